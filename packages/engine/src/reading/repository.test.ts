/** Reads whole vaults: what stands in them comes back under every name it has. */
import { concatBytes, toHex, utf8Decode, utf8Encode } from '@keephold/bytes';
import type { BlobId } from '@keephold/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { DamagedError, type EngineError, MissingDataError } from '../errors.ts';
import type { ContentPart } from '../node-fields.ts';
import { type Blob, MemoryVault, noise, type TestDevice } from './_memory-vault.ts';
import { collect, content, file, open, paths, putTree, type StoredTree, tree } from './_stored-tree.ts';
import { TreeFixture } from './_tree-fixture.ts';
import { decodeCommitLogState, encodeCommitLogState } from './commit-log-state.ts';
import { openRepository } from './repository.ts';

let vault: MemoryVault;
let stored: StoredTree;

beforeEach(async () => {
  vault = await MemoryVault.create(2);
  stored = await putTree(vault, tree);
});

describe('reading a snapshot', () => {
  beforeEach(async () => {
    await vault.addSnapshot(stored);
  });

  it('walks everything, a directory before what it holds, names in order of their bytes', async () => {
    const repository = await open(vault);
    const all = await paths(repository);
    expect(all.slice(0, 7)).toEqual([
      'docs',
      'docs/a.txt',
      'docs/b.txt',
      'docs/empty.txt',
      'docs/link',
      'large',
      'large/f0',
    ]);
    expect(all).toHaveLength(7 + 24 + 1);
    expect(all.at(-1)).toBe('listed.bin');
    for (const path of ['docs', '/docs', 'docs/']) expect(await paths(repository, path)).toEqual(all.slice(1, 5));
    expect(await paths(repository, 'docs/a.txt')).toEqual(['docs/a.txt']);
  });

  it('finds entries in split directories, and tells when there is none', async () => {
    const repository = await open(vault);
    const snapshot = await repository.snapshot('latest');
    for (const name of ['f0', 'f13', 'f24', 'f9']) {
      expect((await repository.nodeAt(snapshot, utf8Encode(`large/${name}`))).size).toBe(40);
    }
    for (const path of ['large/f25', 'large/e', 'large/g', 'large/f0/x', 'x', 'docs//a.txt', 'docs/a.txt/b']) {
      await expect(repository.nodeAt(snapshot, utf8Encode(path)), path).rejects.toMatchObject({ code: 'not-found' });
    }
    const names = (await collect(repository.children(snapshot))).map(({ name }) => utf8Decode(name));
    expect(names).toEqual(['docs', 'large', 'listed.bin']);
  });

  it('gives the content of files, through lists too', async () => {
    const repository = await open(vault);
    expect(await content(repository, 'docs/b.txt')).toEqual(concatBytes(noise(1000, 1), noise(500, 2)));
    expect(await content(repository, 'docs/empty.txt')).toEqual(new Uint8Array());
    expect(await content(repository, 'listed.bin')).toEqual(
      concatBytes(noise(70_000, 3), noise(66_000, 4), noise(10, 5)),
    );
  });

  it('reads nothing for what lies in holes of a file', async () => {
    const repository = await open(vault);
    const node = await repository.nodeAt(await repository.snapshot('latest'), utf8Encode('docs/b.txt'));
    const nowhere = { blob: new Uint8Array(32).fill(7) as BlobId, length: 300 };
    const parts = [nowhere, ...(node.content as readonly ContentPart[]), nowhere];
    const sparse = { ...node, content: parts, size: 2100 };
    const holes = [[0, 300] as const, [1800, 300] as const];
    const pieces = await collect(repository.readFile({ ...sparse, holes }));
    const zeros = new Uint8Array(300);
    expect(concatBytes(...pieces)).toEqual(concatBytes(zeros, noise(1000, 1), noise(500, 2), zeros));
    await expect(collect(repository.readFile(sparse))).rejects.toThrow(MissingDataError);
  });

  it('reads compressed frames', async () => {
    const zeros = new Uint8Array(100_000);
    const pack = await vault.putPack(1, [{ blobs: [{ kind: 1, bytes: zeros }], compressed: true }]);
    const fixture = new TreeFixture((blob) => vault.idOf(blob));
    const rootTree = fixture.directory({ entries: { zeros: file(zeros) } });
    const meta = await vault.putPack(2, [{ blobs: fixture.meta }]);
    await vault.addSnapshot({ rootTree, packs: [pack, meta] });
    const repository = await open(vault);
    expect(await content(repository, 'zeros')).toEqual(zeros);
    for (const decompress of [
      () => new Uint8Array(99_999),
      () => {
        throw new Error('no zstd');
      },
    ]) {
      await expect(content(await openRepository(vault.options({ decompress })), 'zeros')).rejects.toThrow(DamagedError);
    }
  });

  it('reads one blob by its id and kind', async () => {
    const repository = await open(vault);
    const blob = stored.blobs.find(({ kind }) => kind === 1) as Blob;
    expect(await repository.readBlob(vault.idOf(blob), 1)).toEqual(blob.bytes);
    expect(await repository.readBlob(stored.rootTree, 2)).toEqual(expect.any(Uint8Array));
    await expect(repository.readBlob(stored.rootTree, 3)).rejects.toThrow(DamagedError);
    await expect(repository.readBlob(noise(32, 9) as BlobId, 1)).rejects.toThrow(MissingDataError);
    await expect(repository.readBlob(noise(32, 9) as BlobId, 2)).rejects.toThrow(MissingDataError);
  });

  it('loads no data index to browse, once it knows which they are', async () => {
    const first = await open(vault);
    await paths(first);
    const state = decodeCommitLogState(encodeCommitLogState(first.log.state()));
    vault.fetched.length = 0;
    const second = await openRepository(vault.options({ log: state }));
    await paths(second);
    expect(vault.fetched.some((what) => what.startsWith('commit'))).toBe(false);
    const dataIndex = state.indexes.find(({ kind }) => kind === 1);
    expect(vault.fetched).not.toContain(`object ${toHex(dataIndex?.name as Uint8Array)}`);
    expect(vault.fetched).toContain(
      `object ${toHex(state.indexes.find(({ kind }) => kind === 2)?.name as Uint8Array)}`,
    );
  });
});

describe('snapshots', () => {
  it('are listed oldest first and found by every name', async () => {
    await vault.addSnapshot({ ...stored, fields: { hostname: 'first', tags: ['x'] } });
    await vault.addSnapshot({ ...stored, packs: [], device: vault.devices[1] as TestDevice });
    await vault.addSnapshot({ ...stored, packs: [], kind: 'checkpoint' });
    const repository = await open(vault);
    const all = await repository.snapshots();
    expect(all.map(({ seq, kind, state }) => [seq, kind, state])).toEqual([
      [1, 'complete', 'active'],
      [2, 'complete', 'active'],
      [3, 'checkpoint', 'active'],
    ]);
    expect(all[0]).toMatchObject({ hostname: 'first', tags: ['x'], time: 1_700_000_000_000_000_000n });
    expect((await repository.snapshot('latest')).seq).toBe(2);
    expect((await repository.snapshot('#3')).kind).toBe('checkpoint');
    const prefix = toHex(all[0]?.id as Uint8Array).slice(0, 8);
    expect((await repository.snapshot(prefix.toUpperCase())).seq).toBe(1);
    for (const [name, code] of [
      ['#9', 'not-found'],
      ['abc', 'refused'],
      ['ffffffff', 'not-found'],
      ['x', 'refused'],
    ]) {
      await expect(repository.snapshot(name as string)).rejects.toMatchObject({ code });
    }
  });

  it('follow the events of the keeper', async () => {
    await vault.addSnapshot(stored);
    await vault.addSnapshot({ ...stored, packs: [] });
    const device = vault.devices[0] as TestDevice;
    const event = (name: string, snapshots: number[]) =>
      vault.commit(device, { kind: 'keeper-event', event: name, snapshots, packs: new Uint8Array() });
    event('trashed', [1, 2]);
    expect((await (await open(vault)).snapshots()).map(({ state }) => state)).toEqual(['trashed', 'trashed']);
    expect((await (await open(vault)).snapshot('latest')).seq).toBe(2);
    event('untrashed', [1]);
    expect((await (await open(vault)).snapshot('latest')).seq).toBe(1);
    event('expired', [2]);
    expect((await (await open(vault)).snapshots()).map(({ seq }) => seq)).toEqual([1]);
    event('expired', [1]);
    await expect((await open(vault)).snapshot('latest')).rejects.toMatchObject({ code: 'not-found' });
  });

  it.each([
    ['vaultId', { vaultId: noise(16, 77) }],
    ['deviceId', { deviceId: noise(16, 77) }],
    ['streamId', { streamId: noise(16, 77) }],
    ['kind', { kind: 'checkpoint' }],
    ['prevCommitHash', { prevCommitHash: noise(32, 77) }],
  ])('are refused when their %s is not that of the commit', async (_, fields) => {
    await vault.addSnapshot({ ...stored, fields: fields as object });
    await expect((await open(vault)).snapshot('latest')).rejects.toThrow(DamagedError);
  });

  it('are refused when another device sealed them', async () => {
    const [mine, other] = vault.devices as [TestDevice, TestDevice];
    await vault.addSnapshot({ ...stored, device: other });
    await vault.addSnapshot({
      ...stored,
      packs: [],
      device: { ...mine, session: { ...other.session, object: mine.session.object } },
    });
    const repository = await open(vault);
    await expect(repository.snapshot('#2')).rejects.toThrow(/another device/);
    expect((await repository.snapshot('#1')).seq).toBe(1);
  });

  it('that are damaged or missing are told and left out of the list', async () => {
    await vault.addSnapshot(stored);
    await vault.addSnapshot({ ...stored, packs: [] });
    await vault.addSnapshot({ ...stored, packs: [] });
    const [first, second] = (await open(vault)).log.snapshots.map(({ object }) => toHex(object));
    vault.objects.delete(first as string);
    const bytes = vault.objects.get(second as string) as Uint8Array;
    vault.objects.set(second as string, bytes.with(200, (bytes[200] as number) ^ 1));
    const told: EngineError[] = [];
    const repository = await openRepository(vault.options({ onDamage: (error) => told.push(error) }));
    expect((await repository.snapshots()).map(({ seq }) => seq)).toEqual([3]);
    expect(told.map(({ code }) => code)).toEqual(['missing', 'damaged']);
    await expect((await open(vault)).snapshots()).rejects.toThrow(MissingDataError);
  });
});
