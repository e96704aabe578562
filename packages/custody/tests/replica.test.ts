/** A second site holds what commits need, keeps longer what was purged, and never loses what is only missing here. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FolderBackend } from '@keephold/backend';
import { createAccountFixture, createPack, storeSnapshot } from '@keephold/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openRepositoryFolder, type ReplicationReport } from '../src/index.ts';
import { packName } from '../src/layout.ts';
import { createTestRepository } from './_repository.ts';

const DAY = 86_400_000;
const signal = new AbortController().signal;

describe('a second site', () => {
  let path: string;
  let to: FolderBackend;
  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), 'keephold-replica-'));
    to = new FolderBackend({ path });
  });
  afterEach(async () => await rm(path, { recursive: true, force: true }));

  it('deletes what was purged a month after that, and nothing that is missing here', async () => {
    const account = createAccountFixture();
    const { vault } = account;
    let time = Date.now();
    await using repository = await createTestRepository(account, { clock: { now: () => time } });
    const { custody } = repository;
    const here = await openRepositoryFolder(repository.path, { clock: { now: () => time } });
    const copy = async (): Promise<ReplicationReport> => await here.replicate(vault, { to, sweep: 'sweep', signal });
    const [going, staying, uncommitted] = [createPack(vault, 1, 1), createPack(vault, 2, 1), createPack(vault, 1, 2)];
    const first = await storeSnapshot(custody, account, { packs: [going] });
    await storeSnapshot(custody, account, { packs: [staying] });
    await custody.putPack(vault, uncommitted.id, uncommitted.bytes);
    expect(await copy()).toMatchObject({ kind: 'copied', commits: 2, packs: 2, objects: 4, lackingPacks: 0 });
    expect(await copy()).toMatchObject({ kind: 'copied', commits: 0, packs: 0, objects: 0, deleted: 0 });
    const isThere = async (pack: { readonly id: typeof going.id }): Promise<boolean> =>
      (await to.stat(packName(vault, pack.id))) !== undefined;
    expect(await isThere(uncommitted)).toBe(false);

    // Lost here by accident, whatever becomes of it: the copy stays.
    await rm(join(repository.path, packName(vault, staying.id)));
    await custody.trash(vault, [first.seq]);
    const purgedHere: number[] = [];
    const goneThere: number[] = [];
    for (let day = 0; day <= 84; day += 4, time += 4 * DAY) {
      const { purgedPacks } = await custody.collect(vault, {});
      if (purgedPacks > 0) purgedHere.push(day);
      await copy();
      if (!(await isThere(going))) goneThere.push(day);
    }
    // The pack without a commit, then that of the snapshot.
    expect(purgedHere).toHaveLength(2);
    expect(purgedHere[1]).toBeGreaterThanOrEqual(36);
    expect(goneThere[0]).toBeGreaterThan((purgedHere.at(-1) ?? 0) + 29);
    expect(await isThere(staying)).toBe(true);
    await here[Symbol.asyncDispose]();
    const copied = await openRepositoryFolder(path);
    expect((await copied.snapshots(vault)).map(({ state }) => state)).toEqual(['active']);
    await copied[Symbol.asyncDispose]();
  });

  it('is stopped from deleting by the same holds', async () => {
    const account = createAccountFixture();
    const { vault } = account;
    await using repository = await createTestRepository(account);
    await storeSnapshot(repository.custody, account);
    const hold = await repository.custody.setHold(vault, account.devices[0]?.deviceId);
    const here = await openRepositoryFolder(repository.path);
    await here.replicate(vault, { to, sweep: 'leave', signal });
    await here[Symbol.asyncDispose]();
    const copied = await openRepositoryFolder(path);
    expect(await copied.hold(vault)).toEqual(hold);
    await copied[Symbol.asyncDispose]();
  });

  it('of another history is left as it is', async () => {
    const account = createAccountFixture();
    const { vault } = account;
    await using one = await createTestRepository(account);
    await using other = await createTestRepository(account);
    await storeSnapshot(one.custody, account);
    await storeSnapshot(other.custody, account);
    const [here, there] = [await openRepositoryFolder(one.path), await openRepositoryFolder(other.path)];
    await there.replicate(vault, { to, sweep: 'leave', signal });
    expect(await here.replicate(vault, { to, sweep: 'leave', signal })).toEqual({ kind: 'forked', seq: 1 });
    await here[Symbol.asyncDispose]();
    await there[Symbol.asyncDispose]();
  });
});
