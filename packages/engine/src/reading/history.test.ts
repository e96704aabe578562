/** What signed commits decide: which history is believed, which index objects and refsets count. */
import { toHex } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto';
import { ForkError, packsDigestInput, RollbackError, refsetDigestInput, sortPackIds } from '@keephold/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { DamagedError, type EngineError, MissingDataError } from '../errors.ts';
import { MemoryVault, noise, type TestDevice } from './_memory-vault.ts';
import { collect, content, file, open, paths, putTree, type StoredTree, TREE_ENTRIES, tree } from './_stored-tree.ts';
import { decodeCommitLogState, encodeCommitLogState } from './commit-log-state.ts';
import { openRepository } from './repository.ts';

let vault: MemoryVault;
let stored: StoredTree;

beforeEach(async () => {
  vault = await MemoryVault.create(2);
  stored = await putTree(vault, tree);
});

describe('the history', () => {
  it('goes on from a saved log and verifies only what is new', async () => {
    await vault.addSnapshot(stored);
    const first = await open(vault);
    const saved = encodeCommitLogState(first.log.state());
    await vault.addSnapshot({ ...stored, packs: [] });
    vault.fetched.length = 0;
    const second = await openRepository(vault.options({ log: decodeCommitLogState(saved) }));
    expect(vault.fetched).toEqual(['commit 2']);
    expect(await second.snapshots()).toHaveLength(2);
    expect(encodeCommitLogState(second.log.state())).toEqual(encodeCommitLogState((await open(vault)).log.state()));
  });

  it('may not be older or another than the saved one', async () => {
    await vault.addSnapshot(stored);
    await vault.addSnapshot({ ...stored, packs: [] });
    const log = (await open(vault)).log.state();
    const kept = vault.commitBytes.splice(1);
    await expect(openRepository(vault.options({ log }))).rejects.toThrow(RollbackError);
    await vault.addSnapshot({ ...stored, packs: [], kind: 'checkpoint' });
    await expect(openRepository(vault.options({ log }))).rejects.toThrow(ForkError);
    await vault.addSnapshot({ ...stored, packs: [] });
    await expect(openRepository(vault.options({ log }))).rejects.toThrow(ForkError);
    vault.commitBytes.splice(1, 2, ...kept);
    await expect(openRepository(vault.options({ log }))).resolves.toBeDefined();
  });

  it('must reach the head that the keeper shows', async () => {
    await vault.addSnapshot(stored);
    const custody = vault.options().custody;
    const withHead = (head: { seq: number; hash: Uint8Array }) =>
      openRepository(vault.options({ custody: Object.assign(Object.create(custody), { head: async () => head }) }));
    await expect(withHead({ seq: 2, hash: noise(32, 1) })).rejects.toMatchObject({ code: 'gap' });
    await expect(withHead({ seq: 1, hash: noise(32, 1) })).rejects.toThrow(ForkError);
  });

  describe('with damaged commits, for who wants to be told', () => {
    const told: EngineError[] = [];
    const reading = () => openRepository(vault.options({ onDamage: (error) => told.push(error) }));
    beforeEach(async () => {
      told.length = 0;
      for (let i = 0; i < 4; i++) await vault.addSnapshot({ ...stored, packs: i === 0 ? stored.packs : [] });
    });

    it.each([
      ['changed', (bytes: Uint8Array) => bytes.with(60, bytes[60]! ^ 1)],
      ['changed in its signature', (bytes: Uint8Array) => bytes.with(bytes.length - 3, bytes.at(-3)! ^ 1)],
      ['cut short', (bytes: Uint8Array) => bytes.subarray(0, 30)],
      ['gone', () => new Uint8Array(0)],
      ['another one', () => vault.commitBytes[3]!],
    ] as const)('goes on behind one that is %s', async (_, change) => {
      const head = vault.headNow();
      vault.commitBytes[1] = change(vault.commitBytes[1]!);
      const repository = await reading();
      expect(told.map(({ message }) => message)).toEqual([expect.stringMatching(/^read commit 2/)]);
      expect((await repository.snapshots()).map(({ seq }) => seq)).toEqual([1, 3, 4]);
      expect(repository.log.head).toEqual(head);
      expect([repository.log.isWhole, repository.log.isEndUnread]).toEqual([false, false]);
      expect(await paths(repository)).toHaveLength(TREE_ENTRIES);
    });

    it('goes on behind several, and stops before those at the end', async () => {
      for (const at of [1, 2]) vault.commitBytes[at] = new Uint8Array(0);
      expect((await (await reading()).snapshots()).map(({ seq }) => seq)).toEqual([1, 4]);
      expect(told).toHaveLength(2);
      vault.commitBytes[3] = noise(80, 4);
      const repository = await reading();
      expect(repository.log.isEndUnread).toBe(true);
      expect((await repository.snapshots()).map(({ seq }) => seq)).toEqual([1]);
    });

    it('still stops at another history that a device signed', async () => {
      const kept = vault.commitBytes.splice(1);
      await vault.addSnapshot({ ...stored, packs: [], kind: 'checkpoint' });
      vault.commitBytes.push(...kept.slice(1));
      await expect(reading()).rejects.toThrow(ForkError);
    });
  });

  it('is refused when a signature is wrong', async () => {
    await vault.addSnapshot(stored);
    const bytes = vault.commitBytes[0] as Uint8Array;
    vault.commitBytes[0] = bytes.with(bytes.length - 10, (bytes.at(-10) as number) ^ 1);
    await expect(open(vault)).rejects.toMatchObject({ code: 'bad-signature' });
  });
});

describe('what was taken away', () => {
  const DAY = 86_400_000;
  /** Of the commits that the vault makes. */
  const COMMIT_TIME = 1_700_000_000_000;
  const device = (): TestDevice => vault.devices[0] as TestDevice;
  const event = (name: string, day: number, snapshots = [1]) =>
    vault.commit(device(), {
      kind: 'keeper-event',
      event: name,
      snapshots,
      packs: new Uint8Array(),
      clientTime: BigInt(COMMIT_TIME + day * DAY) * 1_000_000n,
    });

  async function told(nowDay: number, more: Parameters<MemoryVault['options']>[0] = {}): Promise<string[]> {
    const messages: string[] = [];
    const onDamage = ({ code, message }: EngineError) => messages.push(`${code} ${message}`);
    await openRepository(vault.options({ onDamage, now: () => COMMIT_TIME + nowDay * DAY, ...more }));
    return messages;
  }

  beforeEach(async () => {
    for (let i = 0; i < 2; i++) await vault.addSnapshot({ ...stored, packs: i === 0 ? stored.packs : [] });
  });

  it('after its days in the trash is no alarm', async () => {
    event('trashed', 0);
    event('expired', 30);
    event('purged', 37);
    expect(await told(37)).toEqual([]);
  });

  it('before that is told, also to who follows from a saved log', async () => {
    event('trashed', 0);
    const log = (await open(vault)).log.state();
    event('expired', 29);
    const early = [
      expect.stringMatching(/^purged-early read commit 4: snapshot #1 was purged early: .* until 2023-12-14/),
    ];
    expect(await told(40)).toEqual(early);
    expect(await told(40, { log })).toEqual(early);
  });

  it('without having been in the trash is told, however it went', async () => {
    event('expired', 100);
    event('purged', 100, [2]);
    expect(await told(100)).toHaveLength(2);
    expect((await told(100))[0]).toMatch(/nobody had forgotten it/);
  });

  it('by a keeper whose dates are ahead of the own clock is told', async () => {
    event('trashed', 0);
    event('expired', 31);
    expect(await told(5)).toHaveLength(1);
    expect(await told(30)).toEqual([]);
  });

  it('counts its days from when it was last forgotten', async () => {
    event('trashed', 0);
    event('untrashed', 20);
    event('trashed', 25);
    event('expired', 40);
    expect(await told(60)).toHaveLength(1);
  });

  it('because the owner asked for it is no alarm, unless that was later or taken back', async () => {
    event('trashed', 0);
    event('expired', 1);
    const request = { seq: 0, time: 0, vaultId: vault.vaultId, snapshots: [1], cancelled: false };
    const asked = (change: object) => ({ ...vault.keychain, deleteRequests: [{ ...request, ...change }] });
    expect(await told(2, { keychain: asked({}) })).toEqual([]);
    for (const change of [{ seq: 1 }, { cancelled: true }, { snapshots: [2] }, { vaultId: noise(16, 8) }])
      expect(await told(2, { keychain: asked(change) })).toHaveLength(1);
  });
});

describe('index objects', () => {
  it('are superseded by their own author only', async () => {
    const [mine, other] = vault.devices as [TestDevice, TestDevice];
    const { indexes } = await vault.addSnapshot(stored);
    await vault.addSnapshot({ ...stored, packs: [], device: other, superseded: indexes });
    expect((await open(vault)).log.indexes).toHaveLength(2);
    expect(await paths(await open(vault))).toHaveLength(TREE_ENTRIES);
    await vault.addSnapshot({ ...stored, device: mine, superseded: indexes });
    const { log } = await open(vault);
    expect(log.indexes.map(({ seq }) => seq)).toEqual([3, 3]);
    expect(await paths(await open(vault))).toHaveLength(TREE_ENTRIES);
  });

  it('named by a second device do not go when that one supersedes them', async () => {
    const [mine, other] = vault.devices as [TestDevice, TestDevice];
    const { indexes } = await vault.addSnapshot({ ...stored, device: mine });
    const packsDigest = noise(32, 5);
    vault.commit(other, { kind: 'index-maintenance', indexObjects: indexes, packsDigest, superseded: [] });
    vault.commit(other, { kind: 'index-maintenance', indexObjects: [], packsDigest, superseded: indexes });
    expect((await open(vault)).log.indexes.map(({ seq }) => seq)).toEqual([1, 1]);
  });

  it('must hold the packs that their commit signed for', async () => {
    await vault.addSnapshot({ ...stored, digests: { packsDigest: noise(32, 5) } });
    const repository = await open(vault);
    await expect(collect(repository.indexObjects('all'))).rejects.toThrow(/digest/);
    const told: EngineError[] = [];
    expect(await collect(repository.indexObjects('all', { onDamage: (error) => told.push(error) }))).toHaveLength(2);
    expect(told).toHaveLength(1);
  });

  it('are refused when missing, of other bytes, or not what they say', async () => {
    const { indexes } = await vault.addSnapshot(stored);
    const [dataIndex] = indexes.map(toHex) as [string, string];
    const good = vault.objects.get(dataIndex) as Uint8Array;
    const read = async () => collect((await open(vault)).indexObjects('data'));
    expect(await read()).toHaveLength(1);
    vault.objects.delete(dataIndex);
    await expect(read()).rejects.toThrow(MissingDataError);
    for (const bad of [good.with(5, 0x12), good.with(150, (good[150] as number) ^ 1), good.subarray(0, 300)]) {
      vault.objects.set(dataIndex, bad);
      await expect(read()).rejects.toThrow(DamagedError);
    }
    const payload = new Uint8Array(300);
    const bogus = await vault.putIndex(stored.packs.slice(0, 1), payload);
    vault.commit(vault.devices[0] as TestDevice, {
      kind: 'index-maintenance',
      indexObjects: [bogus],
      packsDigest: noise(32, 1),
      superseded: indexes,
    });
    await expect(read()).rejects.toThrow(DamagedError);
  });

  it('may be gone only after a signed purge of packs', async () => {
    await vault.addSnapshot(stored);
    const device = vault.devices[0] as TestDevice;
    for (const { name } of (await open(vault)).log.indexes) vault.objects.delete(toHex(name));
    const all = async () => await collect((await open(vault)).indexObjects('all', {}));
    const event = (name: string, packs: Uint8Array) =>
      vault.commit(device, { kind: 'keeper-event', event: name, snapshots: [], packs });
    await expect(all()).rejects.toThrow(/it is not there/);
    vault.commit(device, { kind: 'keeper-event', event: 'trashed', snapshots: [1], packs: new Uint8Array() });
    await expect(all()).rejects.toThrow(/it is not there/);
    event('purged', noise(32, 5));
    expect(await all()).toEqual([]);
    // What the snapshot still needs of it the packs tell, and without them it is missed.
    const look = async () => {
      const repository = await open(vault);
      return await repository.nodeAt(await repository.snapshot('#1'), new Uint8Array([0x61]));
    };
    await expect(look()).rejects.toMatchObject({ code: 'not-found' });
    const packs = new Map(vault.packs);
    vault.packs.clear();
    await expect(look()).rejects.toThrow(MissingDataError);
    for (const [name, bytes] of packs) vault.packs.set(name, bytes);
    await vault.addSnapshot(await putTree(vault, { entries: { later: file(noise(9, 9)) } }));
    for (const { name } of (await open(vault)).log.indexes) vault.objects.delete(toHex(name));
    await expect(all()).rejects.toThrow(/it is not there/);
  });

  it('of every epoch open under their key', async () => {
    await vault.addSnapshot(stored);
    vault.epoch = 1;
    const second = await putTree(vault, { entries: { new: file(noise(9, 9)) } });
    const device = {
      ...(vault.devices[0] as TestDevice),
      session: await vault.newSession((vault.devices[0] as TestDevice).deviceId, 90, 0),
    };
    const index = await vault.putIndex(second.packs.slice(0, 1));
    vault.commit(device, {
      kind: 'index-maintenance',
      indexObjects: [index],
      packsDigest: noise(32, 1),
      superseded: [],
    });
    const kinds = await collect((await open(vault)).indexObjects('data', { onDamage: () => undefined }));
    expect(kinds.map(({ packs }) => packs.length)).toEqual([1, 1]);
    vault.indexKeys.delete(1);
    await expect(collect((await open(vault)).indexObjects('data', {}))).rejects.toThrow(/epoch 1/);
  });
});

describe('healed snapshots', () => {
  it('use the refset of the heal', async () => {
    const half = stored.packs.filter(({ kind }) => kind === 2);
    const { seq } = await vault.addSnapshot({ ...stored, packs: half });
    await expect(content(await open(vault), 'docs/a.txt')).rejects.toThrow(MissingDataError);
    const data = stored.packs.filter(({ kind }) => kind === 1);
    const index = await vault.putIndex(data);
    const device = vault.devices[0] as TestDevice;
    const refset = sortPackIds(stored.packs.map(({ packId }) => packId));
    const healSeq = vault.commit(device, {
      kind: 'heal',
      indexObjects: [index],
      sessionObjects: [device.session.object],
      packsDigest: sha256(...packsDigestInput(sortPackIds(data.map(({ packId }) => packId)))),
      refsetDigest: sha256(...refsetDigestInput(refset)),
      parentSeq: seq,
      superseded: [],
    });
    vault.refsets.set(healSeq, refset);
    const repository = await open(vault);
    expect(await repository.refset({ seq })).toEqual(refset);
    expect(await content(repository, 'docs/a.txt')).toEqual(noise(1000, 1));
  });
});
