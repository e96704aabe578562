import { toHex } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto';
import { type PackId, packsDigestInput, sortPackIds } from '@keephold/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryVault, noise } from '../../reading/_memory-vault.ts';
import { file, paths, putTree, type StoredTree, TREE_ENTRIES, tree } from '../../reading/_stored-tree.ts';
import { openRepository } from '../../reading/repository.ts';
import { inProcessWorker } from '../restore/_in-process-worker.ts';
import { type CheckOptions, type CheckReport, check } from './check.ts';

let vault: MemoryVault;
let stored: StoredTree;

beforeEach(async () => {
  vault = await MemoryVault.create(2);
  stored = await putTree(vault, tree);
});

async function run(options: Partial<CheckOptions> = {}): Promise<CheckReport> {
  // What reading can go around is what a check must find.
  const repository = await openRepository(vault.options({ onDamage: () => undefined }));
  const spawnWorker = inProcessWorker(() => {
    throw new Error('nothing is written here');
  });
  return await check({
    repository,
    readData: 1,
    spawnWorker,
    workers: 2,
    signal: new AbortController().signal,
    ...options,
  });
}

const packName = (kind: 1 | 2, of: StoredTree = stored): string =>
  toHex(of.packs.find((one) => one.kind === kind)!.packId);

function flip(name: string, at: number): void {
  const bytes = vault.packs.get(name)!;
  vault.packs.set(name, bytes.with(at, bytes[at]! ^ 1));
}

describe('a repository in order', () => {
  it('has no problems, and every pack that snapshots need is read', async () => {
    await vault.addSnapshot(stored);
    const changed = { entries: { ...tree.entries, more: file(noise(90_000, 99)) } };
    await vault.addSnapshot(await putTree(vault, changed, stored.blobs));
    const report = await run();
    expect(report.problems).toEqual([]);
    expect(report).toMatchObject({ snapshots: 2, packs: 4, packsRead: 4, interrupted: false });
    expect(report.bytesRead).toBe([...vault.packs.values()].reduce((sum, bytes) => sum + bytes.length, 0));
    expect(report.trees).toBeGreaterThan(8);
  });

  it('may hold packs that no snapshot needs any more, there or not', async () => {
    await vault.addSnapshot(stored);
    const other = await putTree(vault, { entries: { only: file(noise(100, 500)) } });
    await vault.addSnapshot({ ...other, refset: sortPackIds(other.packs.map(({ packId }) => packId)) });
    const repository = await openRepository(vault.options());
    expect(repository.log.snapshots).toHaveLength(2);
    expect((await run()).problems).toEqual([]);
  });

  it('is read in part when only a share is wanted', async () => {
    await vault.addSnapshot(stored);
    const draws = [0.9, 0.01];
    expect(await run({ readData: 0.05, random: () => draws.shift()! })).toMatchObject({
      packs: 2,
      packsRead: 1,
      problems: [],
    });
    const none = await run({ readData: 0 });
    expect(none).toMatchObject({ packs: 2, packsRead: 0, bytesRead: 0, problems: [] });
  });

  it('agrees with the keeper', async () => {
    await vault.addSnapshot(stored);
    const { problems } = await run({ ledger: async () => [] });
    expect(problems).toEqual([
      { kind: 'ledger', what: expect.stringContaining('#1 is not there'), affects: ['#1'], blobs: [] },
    ]);
  });
});

describe('damage', () => {
  beforeEach(async () => {
    await vault.addSnapshot(stored);
  });

  it.each([
    ['a page of data', 500, 'pages do not open', ['#1:/docs/a.txt', '#1:/docs/b.txt']],
    ['the header', 20, 'its header is not', []],
  ] as const)('in %s is found and told with the files that need it', async (_name, at, text, affects) => {
    flip(packName(1), at);
    const { problems } = await run();
    expect(problems[0]).toMatchObject({ kind: 'damaged-pack', what: expect.stringContaining(packName(1)) });
    expect(problems[0]!.what).toContain(text);
    for (const path of affects) expect(problems[0]!.affects).toContain(path);
    if (affects.length === 0) expect(problems[0]!.affects).toEqual([]);
  });

  it('is not found without reading, but a pack that is gone or cut short is', async () => {
    flip(packName(1), 500);
    expect((await run({ readData: 0 })).problems).toEqual([]);
    vault.packs.set(packName(1), vault.packs.get(packName(1))!.subarray(0, 3 * 65_552));
    expect((await run({ readData: 0 })).problems[0]).toMatchObject({
      kind: 'damaged-pack',
      what: expect.stringContaining('cut short'),
      affects: expect.arrayContaining(['#1:/docs/a.txt']),
    });
    vault.packs.delete(packName(1));
    const gone = (await run({ readData: 0 })).problems;
    expect(gone).toHaveLength(1);
    expect(gone[0]).toMatchObject({ kind: 'missing-pack' });
    expect(gone[0]!.affects).toHaveLength(21);
    expect((await run()).problems[0]).toMatchObject({ kind: 'missing-pack', affects: gone[0]!.affects });
  });

  it.each([
    ['longer than it should be', (bytes: Uint8Array) => Buffer.concat([bytes, new Uint8Array(1)]), 'longer'],
    ['shorter by a byte', (bytes: Uint8Array) => bytes.subarray(0, bytes.length - 1), 'cut short'],
  ])('of a pack that is %s is found', async (_name, change, text) => {
    vault.packs.set(packName(2), change(vault.packs.get(packName(2))!));
    const { problems } = await run();
    expect(problems.some(({ kind, what }) => kind === 'damaged-pack' && what.includes(text))).toBe(true);
  });

  it('of a meta pack tells the directories that cannot be read', async () => {
    flip(packName(2), 200);
    const kinds = new Map((await run()).problems.map((problem) => [problem.kind, problem]));
    expect(kinds.get('damaged-tree')?.affects[0]).toMatch(/^#1:\//);
    expect(kinds.get('damaged-pack')?.what).toContain(packName(2));
  });

  it('of an index object is told by its name, and the packs tell what they hold', async () => {
    const [name] = (await openRepository(vault.options())).log.indexes.map((entry) => toHex(entry.name));
    const whole = await run({ readData: 1 });
    vault.objects.delete(name!);
    const report = await run({ readData: 1 });
    expect(report.problems.map(({ kind, what }) => [kind, what])).toEqual([
      ['damaged-index', expect.stringContaining(name!)],
      ['damaged-index', expect.stringContaining('(1): read by their trailers')],
    ]);
    expect(report).toMatchObject({ packsRead: whole.packsRead, bytesRead: whole.bytesRead });
  });

  it('of an index object and of a pack it listed tells what that leaves without a place', async () => {
    const [name] = (await openRepository(vault.options())).log.indexes.map((entry) => toHex(entry.name));
    vault.objects.delete(name!);
    vault.packs.delete(toHex(stored.packs[0]!.packId));
    const kinds = new Set((await run()).problems.map(({ kind }) => kind));
    expect(kinds).toEqual(new Set(['damaged-index', 'missing-blob']));
  });

  it('behind a refset that cannot be read is told, and what nobody needs any more is not', async () => {
    const old = await putTree(vault, { entries: { only: file(noise(100, 500)) } });
    // An index object lists them still.
    await vault.addSnapshot({
      packs: old.packs,
      rootTree: stored.rootTree,
      refset: sortPackIds(stored.packs.map(({ packId }) => packId)),
    });
    for (const { packId } of old.packs) vault.packs.delete(toHex(packId));
    for (const seq of [1, 2]) vault.refsets.set(seq, sortPackIds([stored.packs[0]!.packId]));
    flip(packName(1), 5000);
    const { problems } = await run();
    expect(problems.map(({ kind }) => kind).toSorted()).toEqual(['damaged-pack', 'refset', 'refset']);
    const damaged = problems.find(({ kind }) => kind === 'damaged-pack');
    expect(damaged).toMatchObject({ what: expect.stringContaining(packName(1)) });
    expect(damaged?.affects[0]).toMatch(/^#[12]:/);
  });

  it('of a snapshot object or a refset is told', async () => {
    const repository = await openRepository(vault.options());
    vault.refsets.set(1, sortPackIds([stored.packs[0]!.packId]));
    expect((await run()).problems[0]).toMatchObject({ kind: 'refset', affects: ['#1'] });
    vault.objects.delete(toHex(repository.log.snapshots[0]!.object));
    expect((await run()).problems.some(({ kind }) => kind === 'commit')).toBe(true);
  });

  it('that another pack makes good affects no file', async () => {
    const again = await putTree(vault, tree);
    await vault.addSnapshot(again);
    vault.packs.delete(packName(1));
    const { problems } = await run();
    // Only the second snapshot's refset has both.
    expect(problems.map(({ kind, affects }) => [kind, affects])).toEqual([['missing-pack', []]]);
  });
});

describe('a writer that lies', () => {
  it('that another device only claims, by listing packs with other blobs, hides nothing (M19)', async () => {
    const [, other] = vault.devices;
    const [data] = stored.packs.filter(({ kind }) => kind === 1);
    const { frames, blobs } = data!.contents;
    const claimed = {
      ...data!,
      contents: { frames, blobs: blobs.map((byte, at) => (at % 48 < 32 ? byte ^ 1 : byte)) },
    };
    // Before the one whose pack it is: it saw the pack when it was stored.
    vault.commit(other!, {
      kind: 'index-maintenance',
      indexObjects: [await vault.putIndex([claimed])],
      packsDigest: sha256(...packsDigestInput(sortPackIds([data!.packId]))),
      superseded: [],
    });
    await vault.addSnapshot(stored);
    const { problems } = await run();
    expect(problems.map(({ kind }) => kind)).not.toContain('missing-blob');
    for (const { affects } of problems) expect(affects).toEqual([]);
    expect(await paths(await openRepository(vault.options()))).toHaveLength(TREE_ENTRIES);
  });

  it('about the refset: blobs reached outside it are told, also when an earlier snapshot had them', async () => {
    await vault.addSnapshot(stored);
    const meta = stored.packs.find(({ kind }) => kind === 2)!.packId;
    await vault.addSnapshot({ rootTree: stored.rootTree, packs: [], refset: sortPackIds([meta as PackId]) });
    const { problems } = await run();
    // One problem for all of them.
    expect(problems.map(({ kind }) => kind)).toEqual(['missing-blob']);
    const { what, affects, blobs } = problems[0]!;
    expect(what).toContain(`(${blobs.length} blobs)`);
    expect(blobs.length).toBeGreaterThan(20);
    expect(affects.length).toBeGreaterThan(20);
    expect(affects.every((path) => path.startsWith('#2:'))).toBe(true);
  });

  it.each([
    ['bytes under an id', (plain: Uint8Array) => plain.fill(plain[5]! ^ 1, 5, 6), 'blobs are damaged'],
    [
      'padding',
      (plain: Uint8Array) => plain.fill(1, plain.length - 20_000, plain.length - 19_999),
      'padding is not zero',
    ],
    ['its tail', (plain: Uint8Array) => plain.fill(1, plain.length - 1), 'the tail does not fit'],
    [
      'its trailer',
      (plain: Uint8Array) => plain.fill(plain.at(-80)! ^ 1, plain.length - 80, plain.length - 79),
      'not what the index says',
    ],
  ] as const)('about %s is found out by reading', async (_name, alter, text) => {
    const blobs = [{ kind: 1 as const, bytes: noise(1000, 70) }];
    const pack = await vault.putPack(1, [{ blobs }], { alter: (plaintext) => void alter(plaintext) });
    const other = await putTree(vault, { entries: { f: file(blobs[0]!.bytes) } }, blobs);
    await vault.addSnapshot({ ...other, packs: [pack, ...other.packs] });
    const { problems } = await run();
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ kind: 'damaged-pack', what: expect.stringContaining(text) });
  });
});

it('stops when it is told to and says so', async () => {
  await vault.addSnapshot(stored);
  const abort = new AbortController();
  abort.abort();
  expect(await run({ signal: abort.signal })).toMatchObject({ interrupted: true });
});
