/** A repository that keeps parity: damage anywhere is mended without keys, at every step where a process may stop. */
import { randomBytes, randomFillSync } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FolderBackend, nodeDisk } from '@keephold/backend';
import { toHex } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto/verify';
import { asPackId, type Custody, type VaultId } from '@keephold/protocol';
import {
  type AccountFixture,
  createAccountFixture,
  createPack,
  custodySuite,
  type FixtureDevice,
  type FixturePack,
  faultyDisk,
  type Stored,
  storeSnapshot,
} from '@keephold/testkit';
import { afterEach, describe, expect, it } from 'vitest';
import {
  createRepositoryFolder,
  type OpenOptions,
  openRepositoryFolder,
  repairRepositoryFolder,
} from '../src/index.ts';
import { completeParityOf } from '../src/parity/complete-parity.ts';
import { directCoder } from '../src/parity/parity-coder.ts';
import { createTestRepository } from './_repository.ts';

const PARITY = 10;

custodySuite('a folder with parity', async (account) => await createTestRepository(account, { parity: PARITY }));

interface Scene {
  readonly account: AccountFixture;
  readonly path: string;
  readonly packs: readonly FixturePack[];
  readonly first: Stored;
}

/** Of contents that no zeros can stand for. */
function noisyPack(vault: VaultId, pages: number): FixturePack {
  const bytes = createPack(vault, 1, pages).bytes.slice();
  randomFillSync(bytes, 96);
  return { id: asPackId(sha256(bytes)), bytes };
}

const made: string[] = [];
afterEach(async () => {
  for (const path of made.splice(0)) await rm(path, { recursive: true, force: true });
});

async function setScene({ parity }: { readonly parity: number | undefined } = { parity: PARITY }): Promise<Scene> {
  const account = createAccountFixture();
  const parent = await mkdtemp(join(tmpdir(), 'keephold-parity-'));
  made.push(parent);
  const path = join(parent, 'repository');
  const signer = account.devices[0] as FixtureDevice;
  await using custody = await createRepositoryFolder(path, { ...account, parity }, { signer });
  const packs = [noisyPack(account.vault, 2), createPack(account.vault, 2, 1)];
  const first = await storeSnapshot(custody, account, { packs });
  return { account, path, packs, first };
}

async function open({ path, account }: Scene, options: OpenOptions = {}): Promise<Custody> {
  return await openRepositoryFolder(path, { signer: account.devices[0] as FixtureDevice, ...options });
}

/** Every file of the repository, but for the ledger and what is being written. */
async function filesOf(path: string): Promise<ReadonlyMap<string, Buffer>> {
  const files = new Map<string, Buffer>();
  for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
    const name = join(entry.parentPath, entry.name).slice(path.length + 1);
    if (entry.isFile() && !/^(ledger|tmp|readme)/.test(name)) files.set(name, await readFile(join(path, name)));
  }
  return new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Names of files that are not the same in both, for what all are compared by: a matcher visits every byte. */
function changed(before: ReadonlyMap<string, Buffer>, after: ReadonlyMap<string, Buffer>): readonly string[] {
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names].filter((name) => after.get(name)?.equals(before.get(name) ?? absent) !== true);
}

/** Equal to no file. */
const absent = randomBytes(32);

function packPath({ path, account }: Scene, { id }: FixturePack): string {
  const hex = toHex(id);
  return join(path, 'vaults', toHex(account.vault), 'packs', hex.slice(0, 2), hex);
}

async function damage(path: string, change: (path: string) => Promise<void>): Promise<void> {
  await chmod(path, 0o600);
  await change(path);
}

const flip =
  (share: number) =>
  async (path: string): Promise<void> => {
    const bytes = await readFile(path);
    const at = Math.min(bytes.length - 1, Math.floor(bytes.length * share));
    bytes[at] = (bytes[at] as number) ^ 1;
    await writeFile(path, bytes);
  };

const hurts: readonly (readonly [string, (path: string) => Promise<void>])[] = [
  ['flipped at the start', flip(0)],
  ['flipped in the middle', flip(0.5)],
  ['flipped at the end', flip(1)],
  ['cut by some bytes', async (path) => await truncate(path, (await stat(path)).size - 3)],
  ['longer', async (path) => await writeFile(path, Buffer.concat([await readFile(path), Buffer.from('more')]))],
];

describe('repair from parity', () => {
  it.each(hurts)(
    'makes every single file again that is %s, parity included',
    async (_what, hurt) => {
      const scene = await setScene();
      const before = await filesOf(scene.path);
      const names = [...before.keys()].filter((name) => name !== 'keephold.format');
      expect(names.filter((name) => name.startsWith('parity/')).length).toBe(names.length / 2);
      for (const name of names) {
        await damage(join(scene.path, name), hurt);
        const { mending } = await repairRepositoryFolder(scene.path);
        expect(mending.beyond, name).toEqual([]);
        expect([mending.mended, mending.parityMade], name).toEqual(name.startsWith('parity/') ? [0, 1] : [1, 0]);
        expect(changed(before, await filesOf(scene.path)), name).toEqual([]);
      }
    },
    120_000,
  );

  it('brings back every record that is gone, but no pack, and says which', async () => {
    const scene = await setScene();
    const before = await filesOf(scene.path);
    const protectedFiles = [...before.keys()].filter((name) => !/^(parity|keephold)/.test(name));
    for (const name of protectedFiles) await rm(join(scene.path, name));
    const { mending, lostPacks } = await repairRepositoryFolder(scene.path);
    // The other pack is zeros but for its ends, which its parity has.
    const packs = protectedFiles.filter((name) => name.endsWith(toHex((scene.packs[0] as FixturePack).id)));
    expect(mending.beyond).toEqual(packs);
    expect(lostPacks).toBe(1);
    const after = await filesOf(scene.path);
    for (const name of protectedFiles) expect(after.has(name), name).toBe(!packs.includes(name));
  });

  it('mends all files at once and the lost marker, from nothing but the folder', async () => {
    const scene = await setScene();
    const before = await filesOf(scene.path);
    for (const name of before.keys()) {
      if (!/^(parity|keephold)/.test(name)) await damage(join(scene.path, name), flip(0.3));
    }
    await rm(join(scene.path, 'keephold.format'));
    await rm(join(scene.path, 'ledger.sqlite'));
    expect(await repairRepositoryFolder(scene.path)).toMatchObject({
      markerRemade: true,
      parity: PARITY,
      lostPacks: 0,
    });
    expect(changed(before, await filesOf(scene.path))).toEqual([]);
  });

  it('mends a pack that check has set aside', async () => {
    const scene = await setScene();
    const before = await filesOf(scene.path);
    const { id } = scene.packs[0] as FixturePack;
    const name = [...before.keys()].find((each) => each.startsWith('vaults') && each.endsWith(toHex(id))) as string;
    await damage(join(scene.path, name), flip(0.5));
    await using custody = await open(scene);
    expect(await custody.reportDamage(scene.account.vault, id)).toEqual(id);
    expect(await custody.lostPacks(scene.account.vault)).toEqual(id);
    await repairRepositoryFolder(scene.path);
    expect(changed(before, await filesOf(scene.path))).toEqual([]);
    await using again = await open(scene);
    expect(await again.lostPacks(scene.account.vault)).toHaveLength(0);
  });

  it('sets a pack aside of which more is damaged than the parity bears: it is missing until it is put again', async () => {
    const scene = await setScene();
    const { id } = scene.packs[0] as FixturePack;
    const name = [...(await filesOf(scene.path)).keys()].find(
      (each) => each.endsWith(toHex(id)) && !each.startsWith('par'),
    );
    const path = join(scene.path, name as string);
    await damage(path, async () => await writeFile(path, Buffer.alloc(50_000, 7)));
    const { mending } = await repairRepositoryFolder(scene.path);
    expect(mending).toMatchObject({ mended: 0, beyond: [name] });
    await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' });
    const aside = join(scene.path, 'vaults', toHex(scene.account.vault), 'damaged', toHex(id));
    expect(await readFile(aside)).toEqual(Buffer.alloc(50_000, 7));
    await using custody = await open(scene);
    expect(await custody.lostPacks(scene.account.vault)).toEqual(id);
    await custody.putPack(scene.account.vault, id, (scene.packs[0] as FixturePack).bytes);
    expect(await custody.lostPacks(scene.account.vault)).toHaveLength(0);
    expect((await repairRepositoryFolder(scene.path)).mending).toMatchObject({ mended: 0, beyond: [] });
  });

  it('does not call parity of what is gone and not needed beyond mending', async () => {
    const scene = await setScene();
    const orphan = noisyPack(scene.account.vault, 1);
    {
      await using custody = await open(scene);
      await custody.putPack(scene.account.vault, orphan.id, orphan.bytes);
    }
    await rm(packPath(scene, orphan));
    expect((await repairRepositoryFolder(scene.path)).mending.beyond).toEqual([]);
  });

  it('keeps the latest setting when the marker is lost', async () => {
    const scene = await setScene();
    await repairRepositoryFolder(scene.path, { addParity: 20 });
    const before = await filesOf(scene.path);
    await rm(join(scene.path, 'keephold.format'));
    expect(await repairRepositoryFolder(scene.path)).toMatchObject({ markerRemade: true, parity: 20 });
    expect(changed(before, await filesOf(scene.path))).toEqual([]);
    await using custody = await open(scene);
    expect(await custody.audit(scene.account.vault, { readsAll: true })).toEqual([]);
  });

  it('never puts the parity of one file to another', async () => {
    const scene = await setScene();
    const before = await filesOf(scene.path);
    const swaps = [
      ['parity/account/keychain/0000000000', 'parity/account/keychain/0000000001'],
      [...before.keys()].filter((name) => /^parity.*packs/.test(name)),
    ] as const;
    for (const [a, b] of swaps) {
      const place = (name: string | undefined): string => join(scene.path, name as string);
      await rename(place(a), `${place(a)}.x`);
      await rename(place(b), place(a));
      await rename(`${place(a)}.x`, place(b));
      expect((await repairRepositoryFolder(scene.path)).mending).toMatchObject({
        mended: 0,
        parityMade: 2,
        beyond: [],
      });
      expect(changed(before, await filesOf(scene.path))).toEqual([]);
    }
  });

  it('adds parity to a repository that had none, to what is stored and to what comes', async () => {
    const scene = await setScene({ parity: undefined });
    const plain = await setScene();
    expect([...(await filesOf(scene.path)).keys()].some((name) => name.startsWith('parity'))).toBe(false);
    await repairRepositoryFolder(scene.path, { addParity: PARITY });
    const kinds = async (of: Scene): Promise<number> =>
      [...(await filesOf(of.path)).keys()].filter((name) => name.startsWith('parity')).length;
    expect(await kinds(scene)).toBe(await kinds(plain));
    await using custody = await open(scene);
    expect(custody.properties.parityPercent).toBe(PARITY);
    const packs = [createPack(scene.account.vault, 1, 1)];
    await storeSnapshot(custody, scene.account, { packs, parent: scene.first });
    expect(await custody.audit(scene.account.vault, { readsAll: true })).toEqual([]);
    expect((await custody.usage(scene.account.vault)).parityBytes).toBeGreaterThan(19_000);
  });
});

describe('the audit of parity', () => {
  it('names parity that is missing or damaged, and a record that is not what its second copy says', async () => {
    const scene = await setScene();
    const names = [...(await filesOf(scene.path)).keys()];
    const packParity = names.filter((name) => /^parity.*packs/.test(name));
    await rm(join(scene.path, packParity[0] as string));
    await damage(join(scene.path, packParity[1] as string), flip(0.5));
    await damage(join(scene.path, names.find((name) => name.startsWith('account/keyring')) as string), flip(0.5));
    await using custody = await open(scene);
    const places = async (readsAll: boolean): Promise<readonly string[]> =>
      (await custody.audit(scene.account.vault, { readsAll })).map(({ kind, place }) => `${kind} ${place}`);
    const missing = `unprotected ${(packParity[0] as string).slice('parity/'.length)}`;
    expect(await places(false)).toEqual([missing]);
    const damaged = ['damage account/keyring/0000000001', `damage ${packParity[1]}`];
    expect(new Set(await places(true))).toEqual(new Set([...damaged, missing]));
  });

  it('names parity of nothing, which is no damage', async () => {
    const scene = await setScene();
    const vault = toHex(scene.account.vault);
    const object = `parity/vaults/${vault}/objects/${'ab'.repeat(32).replace(/^(..)/, '$1/$1')}`;
    const strays = [object, 'parity/foreign', `parity/vaults/${vault}/packs/foreign`];
    for (const name of strays) {
      await mkdir(join(scene.path, name, '..'), { recursive: true });
      await writeFile(join(scene.path, name), 'parity');
    }
    await using custody = await open(scene);
    const found = await custody.audit(scene.account.vault, { readsAll: true });
    expect(found.map(({ kind }) => kind)).toEqual(['stray', 'stray', 'stray']);
    expect(new Set(found.map(({ place }) => place))).toEqual(new Set(strays));
  });
});

describe('a session', () => {
  it('makes up the parity that an earlier one was stopped before it made, of packs and of records', async () => {
    const scene = await setScene();
    const before = await filesOf(scene.path);
    for (const name of before.keys()) if (name.startsWith('parity/')) await rm(join(scene.path, name));
    {
      await using custody = await open(scene);
      const found = await custody.audit(scene.account.vault, { readsAll: true });
      expect(new Set(found.map(({ kind }) => kind))).toEqual(new Set(['unprotected']));
      expect(found).toHaveLength([...before.keys()].filter((name) => name.startsWith('parity/')).length);
      await custody.openSession(scene.account.vault);
    }
    expect(changed(before, await filesOf(scene.path))).toEqual([]);
  });

  it('is not needed for that: a commit does it too', async () => {
    const scene = await setScene();
    const before = await filesOf(scene.path);
    for (const name of before.keys()) if (name.startsWith('parity/')) await rm(join(scene.path, name));
    {
      await using custody = await open(scene);
      await storeSnapshot(custody, scene.account, { packs: scene.packs, parent: scene.first });
    }
    const after = await filesOf(scene.path);
    for (const [name, bytes] of before) expect(after.get(name)?.equals(bytes), name).toBe(true);
  });

  it('leaves a rotten pack without parity, and makes that of the others', async () => {
    const scene = await setScene();
    const [rotten, whole] = scene.packs.map((pack) => packPath(scene, pack)) as [string, string];
    await damage(rotten, flip(0.5));
    const parity = (path: string): string => join(scene.path, 'parity', path.slice(scene.path.length));
    for (const path of [rotten, whole]) await rm(parity(path));
    {
      await using custody = await open(scene);
      await custody.openSession(scene.account.vault);
    }
    expect((await stat(parity(whole))).size).toBeGreaterThan(0);
    await expect(stat(parity(rotten))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('makes no parity of a way in that is replaced or removed meanwhile', async () => {
    const scene = await setScene();
    const folder = new FolderBackend({ path: scene.path });
    const name = `account/slots/${'09'.repeat(16)}`;
    const setting = { percent: PARITY, coder: directCoder };
    for (const meanwhile of [
      async () => await folder.put(name, new Uint8Array(70)),
      async () => await folder.delete(name),
    ]) {
      await folder.put(name, new Uint8Array(60));
      const backend = {
        get: folder.get.bind(folder),
        stat: folder.stat.bind(folder),
        delete: folder.delete.bind(folder),
        putNew: async (parity: string, bytes: Uint8Array) => {
          await meanwhile();
          return await folder.putNew(parity, bytes);
        },
      };
      expect(await completeParityOf(name, { backend, ...setting })).toBe('nothing');
      expect(await folder.stat(`parity/${name}`)).toBeUndefined();
    }
  });
});

describe('a collection', () => {
  it('takes parity with its pack, and parity whose pack is gone', async () => {
    const scene = await setScene();
    await using custody = await open(scene);
    const next = createPack(scene.account.vault, 1, 1);
    await storeSnapshot(custody, scene.account, { packs: [next], parent: scene.first, without: scene.packs });
    await custody.trash(scene.account.vault, [1]);
    const orphan = createPack(scene.account.vault, 1, 1);
    await custody.putPack(scene.account.vault, orphan.id, orphan.bytes);
    const gone = createPack(scene.account.vault, 1, 1);
    await custody.putPack(scene.account.vault, gone.id, gone.bytes);
    await rm(packPath(scene, gone));
    await custody.collect(scene.account.vault, { trashDays: 0, purgeDays: 0 });
    const left = async (): Promise<readonly string[]> =>
      [...(await filesOf(scene.path)).keys()].filter((name) => name.includes('/packs/')).map((name) => name.slice(-64));
    expect(new Set(await left())).toEqual(new Set([toHex(next.id), toHex(orphan.id)]));
    expect(await left()).toHaveLength(4);
  });
});

describe.each(['kill', 'power-cut'] as const)('storing with parity, stopped by a %s', (kind) => {
  it('leaves no parity that is wrong at any step, and repair completes it', async () => {
    const store = async (scene: Scene, custody: Custody): Promise<Stored> =>
      await storeSnapshot(custody, scene.account, {
        packs: [createPack(scene.account.vault, 1, 1)],
        parent: scene.first,
      });
    const counted = await setScene();
    const counting = faultyDisk(nodeDisk);
    {
      await using custody = await open(counted, { disk: counting });
      await store(counted, custody);
    }
    expect(counting.steps()).toBeGreaterThan(40);
    for (let step = 1; step <= counting.steps(); step++) {
      const scene = await setScene();
      const before = await filesOf(scene.path);
      const disk = faultyDisk(nodeDisk, { kind, step });
      const stopped = await open(scene, { disk });
      await store(scene, stopped).catch(() => undefined);
      await stopped[Symbol.asyncDispose]();
      const what = `step ${step}: ${disk.log[step - 1]}`;
      const { mending, lostPacks } = await repairRepositoryFolder(scene.path);
      // Nothing was damaged: whatever repair replaces would be the work of parity that is wrong.
      expect([mending.mended, mending.beyond, lostPacks], what).toEqual([0, [], 0]);
      const after = await filesOf(scene.path);
      for (const [name, bytes] of before) expect(after.get(name)?.equals(bytes), `${what}: ${name}`).toBe(true);
      await using custody = await open(scene);
      expect(await custody.audit(scene.account.vault, { readsAll: true }), what).toEqual([]);
      await store({ ...scene }, custody).catch((error: unknown) => expect(error, what).toBeUndefined());
      expect(await custody.audit(scene.account.vault, { readsAll: true }), what).toEqual([]);
    }
  }, 300_000);
});

// A power cut that takes the new name takes the old file with it on this disk, unlike on any real one.
describe('a way in replaced with parity, stopped by a kill', () => {
  it('is the old one or the new one afterwards, whatever repair finds', async () => {
    const slotId = new Uint8Array(16).fill(9);
    const [old, fresh] = [new Uint8Array(600).fill(1), new Uint8Array(700).fill(2)];
    for (let step = 1; ; step++) {
      const scene = await setScene();
      {
        await using custody = await open(scene);
        await custody.putSlot(slotId, old);
      }
      const disk = faultyDisk(nodeDisk, { kind: 'kill', step });
      {
        await using custody = await open(scene, { disk });
        await custody.putSlot(slotId, fresh).catch(() => undefined);
      }
      const slot = join(scene.path, 'account/slots', toHex(slotId));
      const left = await readFile(slot);
      await repairRepositoryFolder(scene.path);
      expect(await readFile(slot), `step ${step}`).toEqual(left);
      expect([old, fresh].some((each) => left.equals(each))).toBe(true);
      if (!disk.stopped()) break;
    }
  }, 120_000);
});
