/** The ledger is a cache: lost, cut, overwritten or older, it says the same again. */
import { copyFile, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Custody } from '@keephold/protocol';
import { type AccountFixture, createAccountFixture, createPack, storeSnapshot } from '@keephold/testkit';
import { describe, expect, it } from 'vitest';
import { createTestRepository, type TestRepository } from './_repository.ts';

/** All that the seam says about a vault. */
async function account(custody: Custody, { vault }: AccountFixture): Promise<unknown> {
  const snapshots = await custody.snapshots(vault);
  // A rebuilt ledger counts it from the times of files (format.md §10).
  const { pendingUntil, ...usage } = await custody.usage(vault);
  expect(pendingUntil === undefined).toBe(usage.pendingBytes === 0);
  expect(await custody.accountUsage()).toEqual({ storedBytes: usage.packBytes + usage.objectBytes });
  return {
    head: await custody.head(vault),
    snapshots,
    refsets: await Promise.all(snapshots.map(async ({ seq }) => await custody.refset(vault, seq))),
    referable: await custody.referablePacks(vault),
    usage,
  };
}

/** Some history with everything in it: trash, expiry, purge, a pack without a commit. Ends closed. */
async function makeHistory(repository: TestRepository, fixture: AccountFixture): Promise<unknown> {
  const { custody } = repository;
  const { vault } = fixture;
  const [gone, kept, pending] = [createPack(vault, 1, 1), createPack(vault, 2, 1), createPack(vault, 1, 2)];
  const first = await storeSnapshot(custody, fixture, { packs: [gone] });
  await custody[Symbol.asyncDispose]();
  await copyFile(join(repository.path, 'ledger.sqlite'), join(repository.path, '..', 'old'));
  const later = await repository.open();
  const second = await storeSnapshot(later, fixture, { packs: [kept] });
  await later.trash(vault, [first.seq]);
  await later.collect(vault, { trashDays: 0, purgeDays: 0 });
  const third = await storeSnapshot(later, fixture, { parent: second, kind: 'checkpoint' });
  await storeSnapshot(later, fixture, { parent: third });
  await later.trash(vault, [third.seq]);
  await later.putPack(vault, pending.id, pending.bytes);
  const said = await account(later, fixture);
  await later[Symbol.asyncDispose]();
  return said;
}

const HARM: readonly (readonly [string, (path: string) => Promise<void>])[] = [
  ['deleted', async (path) => await rm(join(path, 'ledger.sqlite'))],
  ['emptied', async (path) => await truncate(join(path, 'ledger.sqlite'), 0)],
  ['cut in the middle', async (path) => await truncate(join(path, 'ledger.sqlite'), 5000)],
  ['overwritten', async (path) => await writeFile(join(path, 'ledger.sqlite'), 'not a database, by any means')],
  ['replaced by an older one', async (path) => await copyFile(join(path, '..', 'old'), join(path, 'ledger.sqlite'))],
];

describe('a ledger that is', () => {
  it.each(HARM)('%s is rebuilt and says the same', async (_, harm) => {
    const fixture = createAccountFixture();
    await using repository = await createTestRepository(fixture);
    const before = await makeHistory(repository, fixture);
    await harm(repository.path);
    const custody = await repository.open();
    expect(await account(custody, fixture)).toEqual(before);
    await storeSnapshot(custody, fixture);
    await custody[Symbol.asyncDispose]();
  });

  it('of another history is thrown away', async () => {
    const fixture = createAccountFixture();
    await using one = await createTestRepository(fixture);
    await using two = await createTestRepository(fixture);
    await storeSnapshot(two.custody, fixture);
    await two.custody[Symbol.asyncDispose]();
    const before = await makeHistory(one, fixture);
    await copyFile(join(two.path, 'ledger.sqlite'), join(one.path, 'ledger.sqlite'));
    const custody = await one.open();
    expect(await account(custody, fixture)).toEqual(before);
    await custody[Symbol.asyncDispose]();
  });
});

it('of the version before goes on with what it knows, and counts what it did not', async () => {
  const fixture = createAccountFixture();
  await using repository = await createTestRepository(fixture);
  const pack = createPack(fixture.vault, 1, 1);
  const first = await storeSnapshot(repository.custody, fixture, { packs: [pack] });
  await storeSnapshot(repository.custody, fixture);
  await repository.custody.trash(fixture.vault, [first.seq]);
  await repository.custody.collect(fixture.vault, { trashDays: 0 });
  const before = await account(repository.custody, fixture);
  expect(before).toMatchObject({ usage: { condemnedBytes: pack.bytes.length } });
  await repository.custody[Symbol.asyncDispose]();
  const database = new DatabaseSync(join(repository.path, 'ledger.sqlite'));
  database.exec('DROP TABLE vault_size; UPDATE ledger SET version = 2');
  database.close();
  const custody = await repository.open();
  expect(await account(custody, fixture)).toEqual(before);
  await custody.putPack(fixture.vault, pack.id, pack.bytes);
  const other = createPack(fixture.vault, 1, 1);
  await custody.putPack(fixture.vault, other.id, other.bytes);
  await account(custody, fixture);
  await custody[Symbol.asyncDispose]();
});

describe('damage to what is not a cache', () => {
  async function filesOf({ path }: TestRepository): Promise<{ readonly commit: string; readonly record: string }> {
    const vaults = join(path, 'vaults');
    const vault = join(vaults, (await readdir(vaults))[0] as string);
    const records = (await readdir(join(vault, 'refsets'))).sort();
    return { commit: join(vault, 'chain', '0000000002'), record: join(vault, 'refsets', records[1] ?? 'none') };
  }

  it.each(['changed commit', 'missing commit', 'changed record', 'missing record'])(
    'does not hide the rest, and stops every deletion where it is not known what is needed: a %s',
    async (what) => {
      const fixture = createAccountFixture();
      await using repository = await createTestRepository(fixture);
      await makeHistory(repository, fixture);
      const whole = await repository.open();
      const before = (await whole.snapshots(fixture.vault)).map(({ seq }) => seq);
      await whole[Symbol.asyncDispose]();
      const files = await filesOf(repository);
      const file = what.endsWith('commit') ? files.commit : files.record;
      const bytes = await readFile(file);
      await rm(file);
      if (what.startsWith('changed')) await writeFile(file, bytes.with(60, bytes[60]! ^ 1));
      await rm(join(repository.path, 'ledger.sqlite'), { force: true });
      const custody = await repository.open();
      const left = (await custody.snapshots(fixture.vault)).map(({ seq }) => seq);
      expect(left).toEqual(what.endsWith('commit') ? before.filter((seq) => seq !== 2) : before);
      const damaged = { code: 'damaged' };
      await expect(custody.refset(fixture.vault, 2)).rejects.toMatchObject(damaged);
      const collecting = custody.collect(fixture.vault, { trashDays: 0, purgeDays: 0 });
      if (what.endsWith('record')) await expect(collecting).rejects.toMatchObject(damaged);
      else expect((await collecting).purgedPacks).toBe(0);
      const findings = await custody.audit(fixture.vault);
      if (what.endsWith('record'))
        expect(findings.map(({ place }) => place)).toContainEqual(expect.stringContaining('refsets/0000000002-'));
      // What is backed up from now on has nothing to do with it.
      const next = await storeSnapshot(custody, fixture);
      expect(await custody.refset(fixture.vault, next.seq)).toEqual(next.refset);
      await custody[Symbol.asyncDispose]();
    },
  );

  it('of the newest commit stops writing, unless the ledger knows it', async () => {
    const fixture = createAccountFixture();
    await using repository = await createTestRepository(fixture);
    const first = await storeSnapshot(repository.custody, fixture);
    await repository.custody[Symbol.asyncDispose]();
    const folder = join((await filesOf(repository)).commit, '..');
    const file = join(folder, '0000000001');
    const bytes = await readFile(file);
    await rm(file);
    await writeFile(file, bytes.with(50, bytes[50]! ^ 1));
    const knowing = await repository.open();
    expect((await storeSnapshot(knowing, fixture, { parent: first })).seq).toBe(2);
    await knowing[Symbol.asyncDispose]();
    await rm(join(folder, '0000000002'));
    await rm(join(repository.path, 'ledger.sqlite'));
    const forgetful = await repository.open();
    expect(await forgetful.snapshots(fixture.vault)).toEqual([]);
    await expect(storeSnapshot(forgetful, fixture)).rejects.toMatchObject({ code: 'damaged' });
    await forgetful[Symbol.asyncDispose]();
  });

  it('of a pack that vanished: the commit asks for it, and putting it back heals', async () => {
    const { readdir } = await import('node:fs/promises');
    const fixture = createAccountFixture();
    await using repository = await createTestRepository(fixture);
    const pack = createPack(fixture.vault, 1, 1);
    const first = await storeSnapshot(repository.custody, fixture, { packs: [pack] });
    const folder = join(
      repository.path,
      'vaults',
      (await readdir(join(repository.path, 'vaults')))[0] as string,
      'packs',
    );
    const shard = join(folder, (await readdir(folder))[0] as string);
    await rm(join(shard, (await readdir(shard))[0] as string));
    await rm(join(repository.path, 'ledger.sqlite'));
    const custody = await repository.open();
    await expect(storeSnapshot(custody, fixture, { parent: first })).rejects.toThrow('1 packs are missing');
    expect((await custody.referablePacks(fixture.vault)).length).toBe(0);
    await custody.putPack(fixture.vault, pack.id, pack.bytes);
    await storeSnapshot(custody, fixture, { parent: first });
    await custody[Symbol.asyncDispose]();
  });
});
