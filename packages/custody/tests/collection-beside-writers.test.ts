/**
 * A collection beside writers: whoever commits while it looks is seen, and nobody waits for all of it. The writers here
 * act inside calls that the collection makes to its disk. Had it the lock of the ledger then, they would wait for ever.
 */
import { readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Disk, nodeDisk } from '@keephold/backend';
import type { Custody } from '@keephold/protocol';
import {
  type AccountFixture,
  createAccountFixture,
  createObject,
  createPack,
  type FixtureDevice,
  type FixturePack,
  type Stored,
  storeSnapshot,
} from '@keephold/testkit';
import { describe, expect, it } from 'vitest';
import type { FolderCollectOptions } from '../src/index.ts';
import { holdsFolder } from '../src/layout.ts';
import type { SqlDatabase } from '../src/ledger/sql.ts';
import { SqliteDatabase } from '../src/ledger/sqlite-database.ts';
import { createTestRepository, type TestRepository } from './_repository.ts';

const DAY = 86_400_000;
const NOW = { trashDays: 0, purgeDays: 0 };

interface Scene extends AsyncDisposable {
  readonly account: AccountFixture;
  readonly repository: TestRepository;
  readonly pack: FixturePack;
  /** In the trash, and the only one that needs `pack`. */
  readonly doomed: Stored;
}

async function setScene(): Promise<Scene> {
  const account = createAccountFixture({ devices: 2 });
  const repository = await createTestRepository(account);
  const pack = createPack(account.vault, 1, 1);
  await storeSnapshot(repository.custody, account, { packs: [createPack(account.vault, 2, 1)] });
  const doomed = await storeSnapshot(repository.custody, account, { packs: [pack] });
  await repository.custody.trash(account.vault, [doomed.seq]);
  const dispose = async (): Promise<void> => await repository[Symbol.asyncDispose]();
  return { account, repository, pack, doomed, [Symbol.asyncDispose]: dispose };
}

/** Runs `act` once, after the first call of this kind whose path matches: what it answers is old then. */
function interrupted(call: 'list' | 'readToEnd', path: RegExp, act: () => Promise<void>): Disk {
  let acted = false;
  return {
    ...nodeDisk,
    [call]: async (...parameters: readonly unknown[]) => {
      const answer = await (nodeDisk[call] as (...all: readonly unknown[]) => Promise<unknown>)(...parameters);
      if (acted || !path.test(String(parameters[0]))) return answer;
      acted = true;
      await act();
      return answer;
    },
  };
}

async function hasPack(custody: Custody, { account, pack }: Scene): Promise<boolean> {
  return (await custody.getPack(account.vault, pack.id, new Uint8Array(pack.bytes.length))) === pack.bytes.length;
}

describe.each([
  ['lists packs', 'list', /packs$/],
  ['has listed packs and looks at some of them', 'list', /packs.[0-9a-f]{2}$/],
  ['reads the records of snapshots', 'readToEnd', /refsets/],
] as const)('a snapshot that is committed while a collection %s', (_, call, path) => {
  it('keeps what it needs of a snapshot that expires', async () => {
    await using scene = await setScene();
    const { account, repository, doomed } = scene;
    let stored: Stored | undefined;
    const disk = interrupted(call, path, async () => {
      stored = await storeSnapshot(repository.custody, account, {
        packs: [createPack(account.vault, 1, 1)],
        parent: doomed,
        device: account.devices[1] as FixtureDevice,
      });
    });
    const custody = await repository.open({ disk });
    await custody.collect(account.vault, NOW);
    await custody[Symbol.asyncDispose]();
    expect(stored).toBeDefined();
    expect(await repository.custody.lostPacks(account.vault)).toHaveLength(0);
    expect(await hasPack(repository.custody, scene)).toBe(true);
    await repository.custody.collect(account.vault, NOW);
    expect(await hasPack(repository.custody, scene)).toBe(true);
    expect(await repository.custody.refset(account.vault, (stored as Stored).seq)).toEqual((stored as Stored).refset);
  });
});

it('a snapshot that is taken back while a collection looks keeps its packs', async () => {
  await using scene = await setScene();
  const { account, repository, doomed } = scene;
  const disk = interrupted('list', /packs$/, async () => await repository.custody.untrash(account.vault, [doomed.seq]));
  const custody = await repository.open({ disk });
  expect(await custody.collect(account.vault, NOW)).toMatchObject({ expiredSnapshots: 0, purgedPacks: 0 });
  await custody[Symbol.asyncDispose]();
  expect(await hasPack(repository.custody, scene)).toBe(true);
});

it('a hold that is set while a collection looks stops it, and what it keeps is there when it is released', async () => {
  await using scene = await setScene();
  const { account, repository, doomed } = scene;
  const disk = interrupted('list', /packs$/, async () => {
    await repository.custody.setHold(account.vault, account.devices[0]?.deviceId);
  });
  const custody = await repository.open({ disk });
  expect(await custody.collect(account.vault, NOW)).toMatchObject({
    ...{ expiredSnapshots: 0, condemned: 0, purgedPacks: 0, paused: 'hold' },
  });
  await custody[Symbol.asyncDispose]();
  await repository.custody.untrash(account.vault, [doomed.seq]);
  expect(await hasPack(repository.custody, scene)).toBe(true);
});

it('a hold whose record is damaged stands all the same, and the owner releases it', async () => {
  await using scene = await setScene();
  const { account, repository } = scene;
  await repository.custody.setHold(account.vault, account.devices[0]?.deviceId);
  const folder = join(repository.path, holdsFolder(account.vault));
  for (const name of await readdir(folder)) await writeFile(join(folder, name), 'rot');
  expect(await repository.custody.hold(account.vault)).toEqual({ since: undefined, deviceId: undefined });
  expect(await repository.custody.collect(account.vault, NOW)).toMatchObject({ purgedPacks: 0, paused: 'hold' });
  await repository.custody.appendKeychain(account.nextEntry({ kind: 'release-hold', vaultId: account.vault }));
  expect(await repository.custody.collect(account.vault, NOW)).toMatchObject({ purgedPacks: 1 });
});

it('a snapshot that expires under another collection meanwhile does not keep its packs', async () => {
  await using scene = await setScene();
  const { account, repository, doomed } = scene;
  await repository.custody.untrash(account.vault, [doomed.seq]);
  const disk = interrupted('list', /packs$/, async () => {
    await repository.custody.trash(account.vault, [doomed.seq]);
    await repository.custody.collect(account.vault, { trashDays: 0 });
  });
  const custody = await repository.open({ disk });
  expect(await custody.collect(account.vault, NOW)).toMatchObject({ purgedPacks: 1 });
  await custody[Symbol.asyncDispose]();
  expect(await hasPack(repository.custody, scene)).toBe(false);
});

it('an object that a writer is about to name again is not taken for an orphan', async () => {
  await using scene = await setScene();
  const { account, repository } = scene;
  const clock = { now: () => Date.now() + 8 * DAY };
  // The folder's clock is the keeper's.
  const touch = async (path: string): Promise<void> => await utimes(path, clock.now() / 1000, clock.now() / 1000);
  const writer = await repository.open({ disk: { ...nodeDisk, touch }, clock });
  const object = createObject();
  await writer.putObject(account.vault, object.name, object.bytes);
  const disk = interrupted('list', /refsets$/, async () => {
    await writer.putObject(account.vault, object.name, object.bytes);
  });
  const custody = await repository.open({ disk, clock });
  const confirmed: FolderCollectOptions = { dateConfirmed: true };
  await custody.collect(account.vault, confirmed);
  expect(await writer.getObjects(account.vault, [object.name])).toEqual([object.bytes]);
  await custody[Symbol.asyncDispose]();
  await writer[Symbol.asyncDispose]();
});

it('a writer that waits gets its turn between deletions', async () => {
  const account = createAccountFixture({ devices: 2 });
  await using repository = await createTestRepository(account);
  const { custody: writer } = repository;
  const doomed: number[] = [];
  for (let i = 0; i < 100; i++) doomed.push((await storeSnapshot(writer, account)).seq);
  await writer.trash(account.vault, doomed);
  const order: string[] = [];
  let waiting: Promise<unknown> | undefined;
  const disk: Disk = {
    ...nodeDisk,
    remove: async (path) => {
      if (/objects/.test(path)) {
        waiting ??= storeSnapshot(writer, account).then(() => order.push('committed'));
        order.push('deleted');
      }
      await nodeDisk.remove(path);
    },
  };
  const custody = await repository.open({ disk });
  await custody.collect(account.vault, NOW);
  await waiting;
  expect(order.filter((one) => one === 'deleted')).toHaveLength(100);
  expect(order.indexOf('committed')).toBeLessThan(order.lastIndexOf('deleted'));
  await custody[Symbol.asyncDispose]();
});

it('what a collection reads while others wait does not grow with the number of snapshots', async () => {
  const account = createAccountFixture();
  await using repository = await createTestRepository(account);
  const callsUnderLock = async (): Promise<number> => {
    let [isLocked, calls] = [false, 0];
    const counting = Object.entries(nodeDisk).map(([name, call]) => [
      name,
      async (...parameters: readonly unknown[]) => {
        if (isLocked) calls += 1;
        return await (call as (...all: readonly unknown[]) => Promise<unknown>)(...parameters);
      },
    ]);
    const openDatabase = async (path: string): Promise<SqlDatabase> => {
      const database = await SqliteDatabase.open(path);
      return {
        read: async (work) => await database.read(work),
        close: async () => await database.close(),
        transaction: async (work) => await database.transaction(work),
        exclusive: async (lock, work) =>
          await database.exclusive(lock, async (sql) => {
            isLocked = true;
            return await work(sql).finally(() => {
              isLocked = false;
            });
          }),
      };
    };
    const custody = await repository.open({ disk: Object.fromEntries(counting) as Disk, openDatabase });
    await custody.collect(account.vault, {});
    await custody[Symbol.asyncDispose]();
    return calls;
  };
  const storeSome = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) {
      await storeSnapshot(repository.custody, account, { packs: [createPack(account.vault, 1, 1)] });
    }
  };
  await storeSome();
  const few = await callsUnderLock();
  await storeSome();
  expect(await callsUnderLock()).toBe(few);
});
