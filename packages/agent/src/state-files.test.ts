/** The book of runs and the pauses: what is written is read back, and anything else is refused with a typed error. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AgentError } from './errors.ts';
import { formatPauses, parsePauses, pauseOfPlan, withoutPause, withPause } from './pauses.ts';
import { formatRunBook, parseRunBook } from './runs/run-book-codec.ts';
import { type RunBook, type RunRecord, runOutcomes, withRun } from './runs/run-record.ts';

const moment = fc.record(
  { wall: fc.nat(), uptime: fc.nat(), boot: fc.string({ maxLength: 64 }) },
  { requiredKeys: ['wall', 'uptime'] },
);
const record: fc.Arbitrary<RunRecord> = fc.record(
  {
    began: moment,
    ended: moment,
    mark: fc.string(),
    outcome: fc.constantFrom(...runOutcomes),
    pid: fc.nat(),
    code: fc.string(),
    message: fc.string({ maxLength: 500 }),
    snapshot: fc.nat(),
    unreadable: fc.nat(),
  },
  { requiredKeys: ['began', 'ended', 'mark', 'outcome', 'pid'] },
);
const pause = fc.record({ plan: fc.string(), from: moment, for: fc.nat() }, { requiredKeys: ['from'] });

test('runs and pauses that are written are read back', () => {
  const book = fc
    .dictionary(fc.string(), fc.array(record, { maxLength: 4 }))
    .map((plans): RunBook => new Map(Object.entries(plans)));
  fc.assert(
    fc.property(book, fc.array(pause), (runs, pauses) => {
      expect(parseRunBook(formatRunBook(runs))).toEqual(runs);
      expect(parsePauses(formatPauses(pauses))).toEqual(pauses);
    }),
  );
});

test('whatever the text is, it is read or refused with a typed error', () => {
  const text = fc.oneof(
    fc.string(),
    fc.json(),
    fc.jsonValue().map((plans) => JSON.stringify({ version: 1, plans, pauses: plans })),
    fc.jsonValue().map((run) => JSON.stringify({ version: 1, plans: { home: [run] }, pauses: [run] })),
  );
  fc.assert(
    fc.property(text, (written) => {
      for (const parse of [parseRunBook, parsePauses])
        try {
          parse(written);
        } catch (error) {
          expect(error).toBeInstanceOf(AgentError);
        }
    }),
  );
});

test('a later version is not taken for damage', () => {
  expect(() => parseRunBook('{"version":2}')).toThrow(expect.objectContaining({ code: 'newer' }));
  expect(() => parsePauses('{"version":2}')).toThrow(expect.objectContaining({ code: 'newer' }));
});

test('a book stays short, and never loses the newest good run', () => {
  const at = { wall: 1, uptime: 1 };
  const run = (outcome: RunRecord['outcome'], pid: number): RunRecord => ({
    began: at,
    ended: at,
    mark: 'm',
    outcome,
    pid,
  });
  let book: RunBook = withRun(new Map(), 'home', run('complete', 0));
  for (let pid = 1; pid < 500; pid++) book = withRun(book, 'home', run('failed', pid));
  const runs = book.get('home')!;
  expect(runs).toHaveLength(60);
  expect([runs[0]!.pid, runs.at(-1)!.pid]).toEqual([0, 499]);
});

test('of several pauses the longest holds; taking one back leaves the others', () => {
  const from = { wall: 0, uptime: 0, boot: 'b' };
  const now = { wall: 9e9, uptime: 1000, boot: 'b' };
  const pauses = withPause([{ from, for: 5000 }], { plan: 'home', from });
  expect(pauseOfPlan(pauses, 'home', now)!.forMs).toBe(Number.POSITIVE_INFINITY);
  expect(pauseOfPlan(pauses, 'photos', now)!.forMs).toBe(4000);
  expect(pauseOfPlan(withoutPause(pauses, 'home'), 'home', now)!.forMs).toBe(4000);
  expect(withoutPause(pauses, undefined)).toEqual([]);
});
