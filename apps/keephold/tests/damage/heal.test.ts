/** Damage heals: from the files themselves at the next backup, from another copy, and what follows from the rest is made again. */
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { DamagedHome, type FileKind, filesOf, linkTree, type StoredFile } from './_damaged-home.ts';
import { Home, type Ran } from './_home.ts';

// Many commands in a row, on a machine that may have other things to do.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

let damaged: DamagedHome;
let home: Home;
beforeAll(async () => {
  damaged = await DamagedHome.create();
  ({ home } = damaged);
});
afterAll(() => damaged[Symbol.dispose]());
beforeEach(async () => await damaged.reset('same'));

const flip = (bytes: Buffer): Uint8Array => bytes.with(bytes.length >> 1, bytes[bytes.length >> 1]! ^ 1);
const ofKind = (kind: FileKind): readonly StoredFile[] =>
  damaged.files.filter((file) => file.kind === kind).toSorted((a, b) => b.size - a.size);

/** Everything of a snapshot that was there when it was made comes back right. */
async function expectWhole(snapshot: string): Promise<void> {
  const out = join(home.folder, 'out');
  rmSync(out, { recursive: true, force: true });
  const restore = await home.run(['restore', `${snapshot}:${home.data}`, '--target', out, '--json']);
  expect([snapshot, restore.code, restore.stderr]).toEqual([snapshot, 0, '']);
  expect(damaged.compare(out, restore).wrong).toEqual([]);
}

function summary(ran: Ran): Readonly<Record<string, unknown>> {
  return ran.records.find(({ type }) => type === 'summary') ?? {};
}

describe('from the files themselves', () => {
  it.each([
    ['rotten', flip],
    ['gone', () => undefined],
  ] as const)(
    'a pack that is %s: only its blobs are stored again, and older snapshots are whole',
    async (_, change) => {
      const [largest, ...others] = ofKind('data-pack');
      damaged.damage(largest!.path, change);
      expect((await home.run(['check', '--read-data', '--json'])).code).toBe(13);
      const backup = await home.run(['backup', home.data, '--json']);
      expect(backup.code, backup.stderr).toBe(0);
      expect(backup.records.find(({ type }) => type === 'healed')).toMatchObject({
        snapshots: [1, 2, 3],
        incomplete: [],
      });
      // What is stored again has not changed. Two files were written just before a backup, which is read twice.
      expect(Number(summary(backup)['filesChanged'])).toBeLessThanOrEqual(2);
      expect(Number(summary(backup)['filesStoredAgain'])).toBeGreaterThanOrEqual(10);
      // The pack's blobs, in a pack of at most the same size class, and the objects and trees of any run.
      expect(Number(summary(backup)['bytesStored'])).toBeLessThan(largest!.size + others[0]!.size);
      for (const snapshot of ['#1', '#2', '#3', 'latest']) await expectWhole(snapshot);
      const check = await home.run(['check', '--read-data', '--json']);
      expect([check.code, check.stdout]).toEqual([0, expect.stringContaining('"problems":0')]);
      // The next run has nothing to do, and what was stored again outlives the snapshot that brought it.
      expect(Number(summary(await home.run(['backup', home.data, '--json']))['bytesStored'])).toBeLessThan(10_000);
      for (const name of ['#4', '#8']) expect((await home.run(['forget', name, '--quiet'])).code).toBe(0);
      expect((await home.run(['gc', '--trash-days', '0', '--purge-days', '0', '--quiet'])).code).toBe(0);
      for (const snapshot of ['#1', '#2', '#3']) await expectWhole(snapshot);
      expect((await home.run(['check', '--read-data', '--quiet'])).code).toBe(0);
    },
  );

  it('nothing is said to be lacking that no snapshot needs any more', async () => {
    const packs = (): string[] =>
      filesOf(home.repository).flatMap(({ kind, path }) => (kind === 'data-pack' ? [path] : []));
    const before = new Set(packs());
    for (const name of ['stays', 'goes']) writeFileSync(join(home.data, name), randomBytes(5000));
    expect((await home.run(['backup', home.data, '--quiet'])).code).toBe(0);
    const [pack, ...others] = packs().filter((path) => !before.has(path));
    expect(others).toEqual([]);
    rmSync(join(home.data, 'goes'));
    expect((await home.run(['backup', home.data, '--quiet'])).code).toBe(0);
    expect((await home.run(['forget', '#4', '--quiet'])).code).toBe(0);
    expect((await home.run(['gc', '--trash-days', '0', '--purge-days', '0', '--quiet'])).code).toBe(0);
    damaged.damage(pack!, flip);
    expect((await home.run(['check', '--read-data', '--quiet'])).code).toBe(13);
    expect((await home.run(['backup', home.data, '--quiet'])).code).toBe(0);
    const healed = await home.run(['heal', '--json']);
    expect([healed.code, summary(healed)]).toEqual([0, expect.objectContaining({ whole: true, lostPacks: 1 })]);
    rmSync(join(home.data, 'stays'));
  });

  it('what was set aside goes when no snapshot needs it any more', async () => {
    const { path } = ofKind('data-pack')[0]!;
    damaged.damage(path, flip);
    await home.run(['check', '--read-data', '--quiet']);
    const setAside = join(home.repository, 'vaults', path.split('/')[1]!, 'damaged', basename(path));
    expect(existsSync(setAside)).toBe(true);
    expect((await home.run(['backup', home.data, '--quiet'])).code).toBe(0);
    const collect = ['gc', '--trash-days', '0', '--purge-days', '0', '--quiet'];
    expect((await home.run(collect)).code).toBe(0);
    expect(existsSync(setAside)).toBe(true);
    for (const name of ['#1', '#2', '#3']) expect((await home.run(['forget', name, '--quiet'])).code).toBe(0);
    expect((await home.run(collect)).code).toBe(0);
    expect(existsSync(setAside)).toBe(false);
    await expectWhole('latest');
  });

  it('what is no longer on the device stays told', async () => {
    damaged.damage(ofKind('data-pack')[0]!.path, () => undefined);
    const elsewhere = join(home.folder, 'elsewhere');
    linkTree(home.data, elsewhere);
    rmSync(join(elsewhere, 'big'));
    expect((await home.run(['check', '--quiet'])).code).toBe(13);
    const backup = await home.run(['backup', elsewhere, '--json']);
    expect(backup.records.find(({ type }) => type === 'healed')).toMatchObject({ incomplete: [1, 2, 3] });
    expect((await home.run(['heal', '--json'])).code).toBe(3);
    const check = await home.run(['check', '--json']);
    expect(check.code).toBe(13);
    expect(check.stdout).toMatch(/"affects":\["#1:[^"]*\/big"/);
  });
});

describe('from the packs themselves', () => {
  it.each([
    ['all of them gone', () => undefined],
    ['all of them rotten', flip],
  ] as const)('index objects, %s: everything is read on a new machine, heal makes them again', async (_, change) => {
    await damaged.reset('blank');
    for (const kind of ['data-index', 'meta-index'] as const)
      for (const { path } of ofKind(kind)) damaged.damage(path, change);
    for (const snapshot of ['#1', '#2', '#3']) {
      const out = join(home.folder, 'out');
      rmSync(out, { recursive: true, force: true });
      const restore = await home.run(['restore', `${snapshot}:${home.data}`, '--target', out, '--json']);
      expect([restore.code, damaged.compare(out, restore).wrong]).toEqual([0, []]);
      const warnings = restore.stderr.split('\n').filter((line) => line.includes('index object'));
      expect(new Set(warnings).size).toBe(warnings.length);
      if (snapshot === '#3') expect(damaged.compare(out, restore).missing).toEqual([]);
    }
    await damaged.reset('same');
    for (const kind of ['data-index', 'meta-index'] as const)
      for (const { path } of ofKind(kind)) damaged.damage(path, change);
    const found = await home.run(['check', '--read-data', '--json']);
    expect([found.code, found.stdout]).toEqual([13, expect.not.stringMatching(/missing-blob|damaged-tree/)]);
    const healed = await home.run(['heal', '--json']);
    expect([healed.code, healed.records.find(({ type }) => type === 'listed')]).toEqual([
      0,
      expect.objectContaining({ superseded: 6, others: 0, unreadable: 0 }),
    ]);
    const check = await home.run(['check', '--read-data', '--json']);
    expect([check.code, check.stdout]).toEqual([0, expect.stringContaining('"problems":0')]);
    for (const snapshot of ['#1', '#2', '#3']) await expectWhole(snapshot);
    const backup = await home.run(['backup', home.data, '--json']);
    // Trees at most: of 2 MB of files nothing.
    expect(backup.code, backup.stderr).toBe(0);
    expect(Number(summary(backup)['bytesStored'])).toBeLessThan(100_000);
    expect(summary(await home.run(['heal', '--json']))).toMatchObject({ whole: true });
  });

  it('heal keeps the name of an index object while one of its packs cannot tell what it holds', async () => {
    const [index] = ofKind('data-index');
    const [pack] = ofKind('data-pack');
    damaged.damage(index!.path, () => undefined);
    damaged.damage(pack!.path, () => undefined);
    const healed = await home.run(['heal', '--json']);
    expect([healed.code, healed.records.find(({ type }) => type === 'listed')]).toEqual([
      3,
      expect.objectContaining({ superseded: 0, unreadable: 1 }),
    ]);
    expect((await home.run(['check', '--json'])).stdout).toContain(basename(index!.path));
  });
});

describe('session objects', () => {
  const damageSessions = (change: (bytes: Buffer) => Uint8Array | undefined, count = 2): readonly string[] => {
    const sessions = ofKind('session');
    expect(sessions).toHaveLength(2);
    return sessions.slice(0, count).map(({ path }) => {
      damaged.damage(path, change);
      return basename(path);
    });
  };

  it('lie there twice: with one of them a new machine reads everything', async () => {
    await damaged.reset('blank');
    const [name] = damageSessions(flip, 1);
    for (const snapshot of ['#1', '#2', '#3']) await expectWhole(snapshot);
    const check = await home.run(['check', '--read-data', '--json']);
    expect(check.code).toBe(13);
    expect(check.records.filter(({ type }) => type === 'problem')).toEqual([
      expect.objectContaining({ kind: 'record', what: expect.stringContaining(name!) }),
    ]);
  });

  it.each([
    ['gone', () => undefined],
    ['rotten', flip],
    ['cut short', (bytes: Buffer) => bytes.subarray(0, 700)],
  ] as const)('that are %s are read from the copies of this machine, and heal puts them back', async (_, change) => {
    const names = damageSessions(change);
    for (const snapshot of ['#1', '#2', '#3']) await expectWhole(snapshot);
    const found = await home.run(['check', '--json']);
    expect(found.code).toBe(13);
    for (const name of names) expect(found.stdout).toContain(name);
    const healed = await home.run(['heal', '--json']);
    expect([healed.code, summary(healed)]).toEqual([0, expect.objectContaining({ sessions: 2, whole: true })]);
    expect((await home.run(['check', '--read-data', '--json'])).code).toBe(0);
    expect(summary(await home.run(['heal', '--json']))).toMatchObject({ sessions: 0 });
  });

  it('are put back by the next backup, which goes on with their chain', async () => {
    damageSessions(flip);
    writeFileSync(join(home.data, 'young'), randomBytes(2000));
    expect((await home.run(['backup', home.data, '--quiet'])).code).toBe(0);
    rmSync(join(home.data, 'young'));
    expect((await home.run(['check', '--read-data', '--json'])).code).toBe(0);
    expect(filesOf(home.repository).filter(({ kind }) => kind === 'session')).toHaveLength(2);
  });
});

describe('copies of session objects on this machine', () => {
  const copies = (): { readonly path: string; readonly inode: number; readonly bytes: Buffer }[] => {
    const state = join(home.folder, 'state');
    const folder = join(state, readdirSync(state)[0]!, 'sessions');
    return readdirSync(folder).map((name) => {
      const path = join(folder, name);
      return { path, inode: statSync(path).ino, bytes: readFileSync(path) };
    });
  };

  it('are written once, and again when they have rotted', async () => {
    const before = copies();
    expect(before).toHaveLength(2);
    expect((await home.run(['backup', home.data, '--quiet'])).code).toBe(0);
    expect(copies()).toEqual(before);
    writeFileSync(before[0]!.path, flip(before[0]!.bytes));
    rmSync(before[1]!.path);
    expect((await home.run(['backup', home.data, '--quiet'])).code).toBe(0);
    expect(copies().map(({ bytes }) => bytes)).toEqual(before.map(({ bytes }) => bytes));
  });
});

describe('from another copy', () => {
  const copy = (): string => join(home.folder, 'other');
  beforeEach(() => linkTree(home.repository, copy()));

  it('everything that is missing or damaged, without a password', async () => {
    for (const [index, { kind, path }] of damaged.files.entries()) {
      if (['ledger', 'readme', 'keyring'].includes(kind)) continue;
      if (index % 2 === 0) damaged.damage(path, flip);
      else damaged.damage(path, () => undefined);
    }
    const nobody = { secret: '' };
    const healed = await home.run(['heal', '--from', copy(), '--read-data', '--json'], nobody);
    expect([healed.code, healed.stderr], healed.stdout).toEqual([0, '']);
    expect(summary(healed)).toMatchObject({
      packs: ofKind('data-pack').length + ofKind('meta-pack').length,
      whole: true,
    });
    for (const snapshot of ['#1', '#2', '#3']) await expectWhole(snapshot);
    expect((await home.run(['check', '--read-data', '--quiet'])).code).toBe(0);
    expect((await home.run(['backup', home.data, '--quiet'])).code).toBe(0);
  });

  it('each kind of file on its own', async () => {
    for (const { path, kind } of damaged.files) {
      if (kind === 'ledger' || kind === 'readme') continue;
      await damaged.reset('blank');
      linkTree(home.repository, copy());
      damaged.damage(path, () => undefined);
      const healed = await home.run(['heal', '--from', copy(), '--quiet'], { secret: '' });
      expect([path, healed.code, healed.stderr]).toEqual([path, 0, '']);
      expect(statSync(join(home.repository, path)).size).toBe(statSync(join(copy(), path)).size);
    }
  });

  it('nothing, when the copy is damaged in the same place', async () => {
    const { path } = ofKind('data-pack')[0]!;
    damaged.damage(path, flip);
    rmSync(join(copy(), path));
    const healed = await home.run(['heal', '--from', copy(), '--read-data', '--json']);
    expect([healed.code, summary(healed)['packs']]).toEqual([3, 0]);
  });

  it('never of another repository, or of another history', async () => {
    using stranger = new Home();
    expect((await stranger.run(['init', '--quiet'])).code).toBe(0);
    const foreign = await home.run(['heal', '--from', stranger.repository, '--json']);
    expect([foreign.code, foreign.stdout]).toEqual([1, expect.stringContaining('another repository')]);
    // Both copies go on by themselves: from then on neither can mend the other.
    expect((await home.run(['backup', home.data, '--quiet'])).code).toBe(0);
    rmSync(join(home.folder, 'fork'), { recursive: true, force: true });
    linkTree(home.repository, join(home.folder, 'fork'));
    await damaged.reset('same');
    expect((await home.run(['backup', home.data, '--quiet', '--tag', 'other'])).code).toBe(0);
    const forked = await home.run(['heal', '--from', join(home.folder, 'fork'), '--json']);
    expect([forked.code, forked.stdout]).toEqual([1, expect.stringContaining('two histories')]);
  });
});

describe('repair', () => {
  it('makes marker and ledger again', async () => {
    for (const name of ['keephold.format', 'ledger.sqlite']) rmSync(join(home.repository, name), { force: true });
    const without = await home.run(['snapshots', '--json']);
    expect([without.code, without.stdout]).toEqual([13, expect.stringContaining('keephold repair')]);
    const repaired = await home.run(['repair', '--rebuild-ledger', '--json'], { secret: '' });
    expect([repaired.code, summary(repaired)]).toEqual([
      0,
      { type: 'summary', markerRemade: true, commits: 3, packs: 6, lostPacks: 0 },
    ]);
    expect((await home.run(['check', '--read-data', '--quiet'])).code).toBe(0);
    await expectWhole('#2');
  });

  it('says what is missing', async () => {
    damaged.damage(ofKind('meta-pack')[0]!.path, () => undefined);
    const repaired = await home.run(['repair', '--json']);
    expect([repaired.code, summary(repaired)['lostPacks']]).toEqual([3, 1]);
  });
});
