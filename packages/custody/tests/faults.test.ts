/** Committing and collecting, stopped at every single step: what was there stays, and the next try succeeds. */

import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { nodeDisk } from '@keephold/backend';
import { equalBytes } from '@keephold/bytes';
import type { Custody, PackIdList } from '@keephold/protocol';
import {
  type AccountFixture,
  createAccountFixture,
  createPack,
  type DiskFault,
  type FaultyDisk,
  type FixturePack,
  faultyDisk,
  type Stored,
  storeSnapshot,
} from '@keephold/testkit';
import { describe, expect, it } from 'vitest';
import { createTestRepository, type TestRepository } from './_repository.ts';

interface Scene {
  readonly account: AccountFixture;
  readonly repository: TestRepository;
  readonly packs: readonly FixturePack[];
  readonly first: Stored;
  readonly next: FixturePack;
}

async function setScene(): Promise<Scene> {
  const account = createAccountFixture();
  const repository = await createTestRepository(account);
  const packs = [createPack(account.vault, 1, 2), createPack(account.vault, 2, 1)];
  const first = await storeSnapshot(repository.custody, account, { packs });
  return { account, repository, packs, first, next: createPack(account.vault, 1, 1) };
}

/** Opens the repository on a disk with a fault and runs `work`, which may fail. */
async function withFault(
  scene: Scene,
  fault: DiskFault | undefined,
  work: (custody: Custody) => Promise<unknown>,
): Promise<{ readonly disk: FaultyDisk; readonly error: unknown }> {
  const disk = faultyDisk(nodeDisk, fault);
  const custody = await scene.repository.open({ disk });
  let error: unknown;
  try {
    await work(custody);
  } catch (caught) {
    error = caught;
  }
  await custody[Symbol.asyncDispose]();
  return { disk, error };
}

async function expectReadable(custody: Custody, { account }: Scene): Promise<void> {
  for (const { seq, state } of await custody.snapshots(account.vault)) {
    if (state === 'expired') continue;
    const refset = await custody.refset(account.vault, seq);
    for (const id of idsOf(refset)) {
      const into = new Uint8Array(96 + 2 * 65_552);
      expect(await custody.getPack(account.vault, id as never, into), `pack of snapshot ${seq}`).toBeGreaterThan(
        65_000,
      );
    }
  }
}

function idsOf(list: PackIdList): readonly Uint8Array[] {
  return Array.from({ length: list.length / 32 }, (_, index) => list.slice(index * 32, index * 32 + 32));
}

const KINDS = ['kill', 'power-cut'] as const;

describe.each(KINDS)('a commit stopped by a %s', (kind) => {
  it('leaves the old head or the new one, whole, at every step', async () => {
    const counting = await setScene();
    const store = (scene: Scene) => async (custody: Custody) =>
      await storeSnapshot(custody, scene.account, { packs: [scene.next], parent: scene.first });
    const { disk } = await withFault(counting, undefined, store(counting));
    await counting.repository[Symbol.asyncDispose]();
    expect(disk.steps()).toBeGreaterThan(15);
    let committed = 0;
    for (let step = 1; step <= disk.steps(); step++) {
      const scene = await setScene();
      const { error, disk: stopped } = await withFault(scene, { kind, step }, store(scene));
      // Leftovers of a writer are cleaned after the commit point: then the commit has succeeded.
      if (stopped.stopped() && error === undefined) committed += 1;
      const custody = await scene.repository.open();
      const { seq } = await custody.head(scene.account.vault);
      expect([1, 2], `step ${step}: ${disk.log[step - 1]}`).toContain(seq);
      if (error === undefined) expect(seq).toBe(2);
      await expectReadable(custody, scene);
      const again = await storeSnapshot(custody, scene.account, { packs: [scene.next], parent: scene.first });
      expect(again.seq).toBe(seq + 1);
      await expectReadable(custody, scene);
      await custody[Symbol.asyncDispose]();
      await scene.repository[Symbol.asyncDispose]();
    }
    expect(committed).toBeLessThan(5);
  }, 240_000);
});

describe.each(KINDS)('a collection stopped by a %s', (kind) => {
  it('never takes what a kept snapshot needs, and is finished by the next one', async () => {
    const collect = (scene: Scene) => async (custody: Custody) =>
      await custody.collect(scene.account.vault, { trashDays: 0, purgeDays: 0 });
    const prepared = async (): Promise<Scene> => {
      const scene = await setScene();
      const without = scene.packs.slice(0, 1);
      await storeSnapshot(scene.repository.custody, scene.account, {
        packs: [scene.next],
        parent: scene.first,
        without,
      });
      await scene.repository.custody.trash(scene.account.vault, [1]);
      return scene;
    };
    const counting = await prepared();
    const { disk } = await withFault(counting, undefined, collect(counting));
    await counting.repository[Symbol.asyncDispose]();
    expect(disk.steps()).toBeGreaterThan(10);
    for (let step = 1; step <= disk.steps(); step++) {
      const scene = await prepared();
      await withFault(scene, { kind, step }, collect(scene));
      const custody = await scene.repository.open();
      await expectReadable(custody, scene);
      await collect(scene)(custody);
      await expectReadable(custody, scene);
      const usage = await custody.usage(scene.account.vault);
      expect([usage.packs, usage.condemnedBytes], `step ${step}: ${disk.log[step - 1]}`).toEqual([2, 0]);
      const purged = await custody.getPack(scene.account.vault, (scene.packs[0] as FixturePack).id, new Uint8Array(9));
      expect(purged).toBeUndefined();
      await custody[Symbol.asyncDispose]();
      await scene.repository[Symbol.asyncDispose]();
    }
  }, 240_000);
});

describe('a disk that fails once', () => {
  it('gives a typed error or success at every step, and the next try works', async () => {
    const scene = await setScene();
    const store = async (custody: Custody): Promise<Stored> =>
      await storeSnapshot(custody, scene.account, {
        packs: [createPack(scene.account.vault, 1, 1)],
        parent: scene.first,
      });
    const { disk } = await withFault(scene, undefined, store);
    for (let step = 1; step <= disk.steps(); step++) {
      const { error } = await withFault(scene, { kind: 'fail', step, code: 'EIO' }, store);
      if (error !== undefined) expect(error).toMatchObject({ name: 'CustodyError', code: 'unavailable' });
      await withFault(scene, undefined, store);
    }
    const custody = await scene.repository.open();
    await expectReadable(custody, scene);
    await custody[Symbol.asyncDispose]();
    await scene.repository[Symbol.asyncDispose]();
  }, 120_000);

  it('says no-room on a full disk, leaves no temporary file and goes on afterwards', async () => {
    const scene = await setScene();
    const put = async (custody: Custody): Promise<void> =>
      await custody.putPack(scene.account.vault, scene.next.id, scene.next.bytes);
    for (const code of ['ENOSPC', 'EDQUOT', 'EACCES'] as const) {
      // Steps: make the shard's folder (and sync it), create, write …: fail the write.
      const write = 1 + (await writeStep(scene, put));
      const { error } = await withFault(scene, { kind: 'fail', step: write, code }, put);
      expect(error).toMatchObject({ code: code === 'EACCES' ? 'no-permission' : 'no-room' });
      expect(await readdir(join(scene.repository.path, 'tmp'))).toEqual([]);
    }
    expect((await withFault(scene, undefined, put)).error).toBeUndefined();
    const custody = await scene.repository.open();
    expect((await custody.referablePacks(scene.account.vault)).length / 32).toBe(3);
    expect(equalBytes((await custody.head(scene.account.vault)).hash, scene.first.head.hash)).toBe(true);
    await custody[Symbol.asyncDispose]();
    await scene.repository[Symbol.asyncDispose]();
  });
});

/** Number of the step before the first write of a put that is refused in the end. */
async function writeStep(scene: Scene, put: (custody: Custody) => Promise<void>): Promise<number> {
  for (let step = 1; ; step++) {
    const { disk } = await withFault(scene, { kind: 'kill', step }, put);
    await cleanTemporaries(scene);
    if (disk.log.at(-1)?.startsWith('write ') === true) return step - 1;
  }
}

async function cleanTemporaries(scene: Scene): Promise<void> {
  for (const name of await readdir(join(scene.repository.path, 'tmp')))
    await rm(join(scene.repository.path, 'tmp', name));
}
