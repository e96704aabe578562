/** What is damaged, missing or made to deceive is refused by a typed error, or gone around. */
import { toHex } from '@keephold/bytes';
import { sortPackIds } from '@keephold/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { DamagedError, type EngineError, MissingDataError } from '../errors.ts';
import { MemoryVault, noise, type TestDevice } from './_memory-vault.ts';
import { content, file, open, paths, putTree, type StoredTree, TREE_ENTRIES, tree } from './_stored-tree.ts';
import { TreeFixture } from './_tree-fixture.ts';
import { openRepository } from './repository.ts';

let vault: MemoryVault;
let stored: StoredTree;

beforeEach(async () => {
  vault = await MemoryVault.create(2);
  stored = await putTree(vault, tree);
});

describe('damage', () => {
  function flipPack(kind: 1 | 2, at = 1000): void {
    const pack = stored.packs.find((one) => one.kind === kind);
    const name = toHex(pack?.packId as Uint8Array);
    const bytes = vault.packs.get(name) as Uint8Array;
    vault.packs.set(name, bytes.with(at, (bytes[at] as number) ^ 1));
  }

  it('of a page is told with the pack that has it', async () => {
    await vault.addSnapshot(stored);
    flipPack(2);
    const name = toHex(stored.packs.find(({ kind }) => kind === 2)?.packId as Uint8Array);
    await expect(paths(await open(vault))).rejects.toThrow(name);
    await expect(paths(await open(vault))).rejects.toThrow(DamagedError);
  });

  it('of one place is gone around when there is another, in the refset or not', async () => {
    await vault.addSnapshot(stored);
    const again = await putTree(vault, tree);
    await vault.addSnapshot({ ...again, refset: sortPackIds(stored.packs.map(({ packId }) => packId)) });
    flipPack(2);
    vault.packs.delete(toHex(stored.packs.find(({ kind }) => kind === 1)?.packId as Uint8Array));
    const told: EngineError[] = [];
    const repository = await openRepository(vault.options({ onDamage: (error) => told.push(error) }));
    expect(await paths(repository)).toHaveLength(TREE_ENTRIES);
    expect(await content(repository, 'docs/b.txt')).toHaveLength(1500);
    expect(new Set(told.map(({ code }) => code))).toEqual(new Set(['damaged', 'missing']));
  });

  it('of a pack that is gone is told as missing', async () => {
    await vault.addSnapshot(stored);
    for (const name of vault.packs.keys()) vault.packs.delete(name);
    await expect(paths(await open(vault))).rejects.toThrow(MissingDataError);
  });

  it('of a pack that was cut is told', async () => {
    await vault.addSnapshot(stored);
    for (const [name, bytes] of vault.packs) vault.packs.set(name, bytes.subarray(0, bytes.length - 70_000));
    await expect(paths(await open(vault))).rejects.toThrow(DamagedError);
  });

  it('by a writer that puts other bytes under an id is found out', async () => {
    const fixture = new TreeFixture((blob) => vault.idOf(blob));
    const rootTree = fixture.directory({ entries: { a: file(noise(50, 1)) } });
    const meta = await vault.putPack(2, [{ blobs: fixture.meta }]);
    const data = await vault.putPack(1, [{ blobs: fixture.data }], { alter: (plaintext) => plaintext.fill(7, 0, 50) });
    await vault.addSnapshot({ rootTree, packs: [data, meta] });
    await expect(content(await open(vault), 'a')).rejects.toThrow(/another blob/);
  });

  it('of a refset is told, and does not hide the files', async () => {
    const { seq } = await vault.addSnapshot(stored);
    const told: EngineError[] = [];
    const lenient = () => openRepository(vault.options({ onDamage: (error) => told.push(error) }));
    for (const refset of [new Uint8Array(32), new Uint8Array(31), new Uint8Array()]) {
      vault.refsets.set(seq, refset);
      await expect(paths(await open(vault))).rejects.toThrow(DamagedError);
      expect(await paths(await lenient())).toHaveLength(TREE_ENTRIES);
    }
    expect(told).toHaveLength(3);
    const repository = await open(vault);
    await expect(repository.refset(await repository.snapshot('latest'))).rejects.toThrow(DamagedError);
  });

  it('of the session object is told', async () => {
    await vault.addSnapshot(stored);
    const name = toHex((vault.devices[0] as TestDevice).session.object);
    const bytes = vault.objects.get(name) as Uint8Array;
    for (const bad of [undefined, bytes.with(1400, (bytes[1400] as number) ^ 1)]) {
      if (bad === undefined) vault.objects.delete(name);
      else vault.objects.set(name, bad);
      await expect((await open(vault)).snapshot('latest')).rejects.toThrow(MissingDataError);
    }
  });

  it('by naming the session object of another device first does not lock its packs', async () => {
    const [mine, other] = vault.devices as [TestDevice, TestDevice];
    await vault.addSnapshot({
      ...stored,
      packs: [],
      device: { ...other, session: { ...other.session, object: mine.session.object } },
      refset: new Uint8Array(),
    });
    await vault.addSnapshot({ ...stored, device: mine });
    expect(await paths(await open(vault))).toHaveLength(TREE_ENTRIES);
  });
});
