import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { Ledger, readLedger } from './ledger.ts';
import type { LedgerEntry } from './ledger-entry.ts';

const folder = mkdtempSync(join(tmpdir(), 'keephold-ledger-'));
const path = join(folder, 'ledger.jsonl');
beforeEach(() => rmSync(path, { force: true }));
afterAll(() => rmSync(folder, { recursive: true }));

const at = { wall: 1_800_000_000_000, uptime: 5000, boot: 'b' };
const wait = (plan: string, code = 'on-battery'): LedgerEntry => ({
  kind: 'wait',
  plan,
  at,
  code,
  message: 'on battery',
});

const moment = fc.record({ wall: fc.nat(), uptime: fc.nat(), boot: fc.string({ maxLength: 64 }) });
const plan = fc.string({ maxLength: 64 });
const entry: fc.Arbitrary<LedgerEntry> = fc.oneof(
  fc.record({ kind: fc.constant('run' as const), plan, mark: fc.string(), at: moment, pid: fc.nat() }),
  fc.record({ kind: fc.constant('end' as const), plan, at: moment, outcome: fc.string() }),
  fc.record({ kind: fc.constant('clear' as const), plan, at: moment }),
  fc.record({
    kind: fc.constant('wait' as const),
    plan,
    at: moment,
    code: fc.string(),
    message: fc.string(),
    until: fc.nat(),
  }),
  fc.record({
    kind: fc.constant('away' as const),
    at: moment,
    from: moment,
    cause: fc.constantFrom('asleep', 'no-agent'),
  }),
);

test('what is appended is read back, by the same ledger and by the next', () => {
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 5 }), (entries) => {
      rmSync(path, { force: true });
      const ledger = new Ledger(path);
      for (const one of entries) ledger.append(one);
      expect(readLedger(path)).toEqual(entries);
      expect(new Ledger(path).entries).toEqual(entries);
    }),
    { numRuns: 30 },
  );
});

test('half a line and a rotten one are passed over, and what is appended later is whole', () => {
  new Ledger(path).append(wait('home'));
  appendFileSync(path, 'no json\n{"kind":"moon"}\n{"kind":"wait","plan":"home","at');
  new Ledger(path).append(wait('photos'));
  expect(readLedger(path)).toEqual([wait('home'), wait('photos')]);
});

test('it stays bounded, and the newest of each plan stays in it', () => {
  const many = Array.from({ length: 3999 }, () => JSON.stringify(wait('home', 'busy'))).join('\n');
  appendFileSync(path, `${JSON.stringify(wait('photos'))}\n${many}\n`);
  const ledger = new Ledger(path);
  ledger.append(wait('home', 'hot'));
  const read = readLedger(path);
  expect(read.length).toBeLessThan(2010);
  expect(read[0]).toEqual(wait('photos'));
  expect(ledger.newestOf('home')).toEqual(wait('home', 'hot'));
  expect(read.at(-1)).toEqual(wait('home', 'hot'));
});

test('it is for its owner alone, and a long message does not make a long line', () => {
  new Ledger(path).append({ ...wait('home'), message: 'x'.repeat(10_000) } as LedgerEntry);
  expect(statSync(path).mode & 0o077).toBe(0);
  expect(readFileSync(path).length).toBeLessThan(1000);
});
