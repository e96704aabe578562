/**
 * Every kind of file of a repository, damaged in every way: reading never gives wrong bytes, check finds it and names
 * it, restore brings back the rest and names what it could not. More of it, by hand: KEEPHOLD_DAMAGE=all.
 */
import { basename } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { DamagedHome, type FileKind, type Outcome, type StoredFile } from './_damaged-home.ts';

type Change = (bytes: Buffer) => Uint8Array | undefined;

const all = process.env['KEEPHOLD_DAMAGE'] === 'all';
const PAGE = 65_552;

// Many commands in a row, on a machine that may have other things to do.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

let damaged: DamagedHome;
beforeAll(async () => {
  damaged = await DamagedHome.create();
});
afterAll(() => damaged[Symbol.dispose]());

const flip =
  (at: number): Change =>
  (bytes) =>
    bytes.with(at < 0 ? bytes.length + at : at, bytes.at(at)! ^ 0x10);

/** Fields of the header (format.md §4), pages and their tags, the trailer, the tail. */
const inPacks: Readonly<Record<string, Change>> = {
  'the magic': flip(0),
  'the version': flip(4),
  'the kind': flip(5),
  'the suite': flip(6),
  'the vault': flip(9),
  'the session': flip(25),
  'the page count': flip(40),
  'a zero byte': flip(50),
  'the salt': flip(70),
  'the first page': flip(96 + 1000),
  'the tag of the first page': flip(96 + PAGE - 1),
  'the last page': flip(-PAGE + 5),
  'the tail': flip(-20),
  'the last byte': flip(-1),
};
/** Fields of a sealed object (format.md §5). */
const inObjects: Readonly<Record<string, Change>> = {
  'the magic': flip(0),
  'the type': flip(5),
  'the key kind': flip(7),
  'the context': flip(9),
  'the epoch': flip(24),
  'the salt': flip(40),
  'the key check': flip(70),
  'the ciphertext': flip(120),
  'the last byte': flip(-1),
};
const inRecords: Readonly<Record<string, Change>> = {
  'the first byte': flip(0),
  'a byte near the beginning': flip(9),
  'the middle': (bytes) => flip(bytes.length >> 1)(bytes),
  'the last byte': flip(-1),
};
const lengths: Readonly<Record<string, Change>> = {
  'cut to nothing': () => new Uint8Array(0),
  'cut in its header': (bytes) => bytes.subarray(0, 20),
  'cut in half': (bytes) => bytes.subarray(0, bytes.length >> 1),
  'one byte short': (bytes) => bytes.subarray(0, -1),
  'one byte long': (bytes) => Buffer.concat([bytes, Buffer.of(7)]),
  gone: () => undefined,
};

/** Every change of data packs; of the others each second or third, begun at another one, unless all are wanted. */
function changes(kind: FileKind): readonly (readonly [string, Change])[] {
  const every = kind === 'data-pack' || all ? 1 : kind === 'commit' || kind === 'record' ? 2 : 3;
  return allChanges(kind).filter((_, index) => index % every === kind.length % every);
}

function allChanges(kind: FileKind): readonly (readonly [string, Change])[] {
  const inside = kind.endsWith('pack') ? inPacks : /index|session|snapshot/.test(kind) ? inObjects : inRecords;
  const flips = Object.entries(inside).map(([name, change]) => [`flipped in ${name}`, change] as const);
  const longer = ['a page long', (bytes: Buffer): Uint8Array => Buffer.concat([bytes, Buffer.alloc(PAGE)])] as const;
  return [...flips, ...Object.entries(lengths), ...(kind.endsWith('pack') ? [longer] : [])];
}

function ofKind(kind: FileKind): readonly StoredFile[] {
  const files = damaged.files.filter((file) => file.kind === kind).toSorted((a, b) => b.size - a.size);
  return all ? files : files.slice(0, 1);
}

/** What holds whatever was done. */
function expectHonest({ check, restore, wrong, unnamed }: Outcome, what: string): void {
  expect(wrong, what).toEqual([]);
  expect([0, 3, 13], `${what}: ${restore.stderr}`).toContain(restore.code);
  expect(restore.code === 13 ? [] : unnamed, what).toEqual([]);
  if (unnamed.length > 0) expect(restore.stdout, what).toMatch(/"type":"error".*"exitCode":13/);
  expect(`${check.stdout}${check.stderr}`, what).not.toMatch(/RangeError|TypeError|undefined is not/);
}

function expectFound({ check }: Outcome, name: string, what: string): void {
  expect(check.code, what).toBe(13);
  expect(check.stdout, what).toContain(name);
}

/** What restore could not bring back, check names as affected, while its list is long enough. */
function expectAffected({ check, restore, missing }: Outcome, what: string): void {
  if (restore.code !== 3) return;
  const affects = check.records.flatMap((record) => (Array.isArray(record['affects']) ? record['affects'] : []));
  if (affects.some((text) => String(text).startsWith('and '))) return;
  for (const name of missing) {
    const path = `${damaged.home.data}/${name}`;
    const isTold = affects.some((text) => `#3:${path}`.startsWith(String(text)) || String(text).endsWith(path));
    expect(isTold, `${what}: ${name} in ${affects.join(' ')}`).toBe(true);
  }
}

describe.each(['data-pack', 'meta-pack', 'data-index', 'meta-index', 'session', 'snapshot'] as const)(
  'a %s',
  (kind) => {
    it.each(changes(kind))('%s: is found and named, and nothing else is lost', async (how, change) => {
      for (const { path } of ofKind(kind)) {
        await damaged.reset('same');
        damaged.damage(path, change);
        const outcome = await damaged.outcome();
        const what = `${path} ${how}`;
        expectHonest(outcome, what);
        expectFound(outcome, basename(path), what);
        expectAffected(outcome, what);
        // What an index says the packs say too, and session objects lie there twice.
        if (kind.endsWith('index') || kind === 'session')
          expect([outcome.restore.code, outcome.missing], what).toEqual([0, []]);
      }
    });

    it('in the place of another: both are found', async () => {
      const files = damaged.files.filter((file) => file.kind === kind);
      const [one, other] = [files[0]!, files.at(-1)!];
      await damaged.reset('same');
      damaged.damage(one.path, () => damaged.original(other.path));
      damaged.damage(other.path, () => damaged.original(one.path));
      const outcome = await damaged.outcome();
      expectHonest(outcome, 'swapped');
      expectFound(outcome, basename(one.path), 'swapped');
      expectFound(outcome, basename(other.path), 'swapped');
    });
  },
);

describe.each(['commit', 'record'] as const)('a %s', (kind) => {
  it.each(changes(kind))(
    '%s: is found, and what the others say is restored, also on a new machine',
    async (how, change) => {
      const files = damaged.files.filter((file) => file.kind === kind).toSorted((a, b) => (a.path < b.path ? -1 : 1));
      for (const [index, { path }] of files.entries()) {
        // One in the middle and the newest, in turn.
        if (!all && index !== 1 + (how.length % 2)) continue;
        const what = `${path} ${how}`;
        const isLast = index === files.length - 1;
        await damaged.reset('blank');
        damaged.damage(path, change);
        const outcome = await damaged.outcome();
        // The newest commit gone without a trace is an older repository: only a device that has seen more can tell.
        const isOlder = kind === 'commit' && isLast && (how === 'gone' || how === 'cut to nothing');
        if (!isOlder) {
          expect(outcome.check.code, what).toBe(13);
          expect(outcome.check.stdout, what).toContain(kind === 'commit' ? `read commit ${index + 1}` : basename(path));
        }
        expectNewestTold(outcome, { what, isLost: kind === 'commit' && isLast, isTold: !isOlder });
        await damaged.reset('same');
        damaged.damage(path, change);
        const known = await damaged.outcome();
        expect(known.check.code, what).toBe(13);
        expect(known.wrong, what).toEqual([]);
        // This device never read: only the ledger knows that there is one more.
        if (!isOlder) expectNewestTold(known, { what, isLost: kind === 'commit' && isLast, isTold: true });
      }
    },
  );
});

/** Without the newest commit the newest snapshot is the one before, and restore says that it may not be the newest. */
function expectNewestTold(
  { restore, wrong, unnamed }: Outcome,
  { what, isLost, isTold }: { readonly what: string; readonly isLost: boolean; readonly isTold: boolean },
): void {
  expect(wrong, what).toEqual([]);
  expect(isLost && isTold ? [3] : [0, 3], `${what}: ${restore.stdout}${restore.stderr}`).toContain(restore.code);
  expect(unnamed, what).toEqual(isLost ? ['a/newer'] : []);
}

describe.each(['keychain', 'keyring', 'slot', 'marker'] as const)('a %s', (kind) => {
  it.each(changes(kind))('%s: is named, or the rest opens', async (how, change) => {
    for (const { path } of damaged.files.filter((file) => file.kind === kind)) {
      await damaged.reset('blank');
      damaged.damage(path, change);
      const what = `${path} ${how}`;
      const { check, restore, wrong } = await damaged.outcome();
      expect(wrong, what).toEqual([]);
      if (kind === 'slot') {
        expect([what, check.code]).toEqual([what, 13]);
        expect(check.stdout, what).toContain(basename(path));
        // The other slot may be the one of the password.
        expect([0, 13], what).toContain(restore.code);
        continue;
      }
      expect(check.code, `${what}: ${check.stdout}`).toBe(13);
      expect(check.stdout, what).toMatch(/keychain|keyring|keephold\.format/);
    }
  });
});

describe('what can be made again', () => {
  const cases = (['ledger', 'readme'] as const).flatMap((kind) =>
    changes(kind).map(([how, change]) => [kind, how, change] as const),
  );
  it.each(cases)('a %s that is %s changes nothing', async (kind, _, change) => {
    await damaged.reset('same');
    damaged.damage(damaged.files.find((file) => file.kind === kind)!.path, change);
    const { check, restore, missing } = await damaged.outcome();
    expect([check.code, restore.code, missing]).toEqual([0, 0, []]);
  });

  it('a ledger of another time is brought up to the chain', async () => {
    await damaged.reset('same');
    await damaged.must(['backup', damaged.home.data, '--quiet']);
    damaged.damage('ledger.sqlite', () => damaged.original('ledger.sqlite'));
    const { check, restore } = await damaged.outcome();
    expect([check.code, restore.code]).toEqual([0, 0]);
  });
});
