/** The ledger is a cache: lost, cut, overwritten or older, it says the same again. */
import { copyFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Custody } from '@keephold/protocol';
import { type AccountFixture, createAccountFixture, createPack, storeSnapshot } from '@keephold/testkit';
import { describe, expect, it } from 'vitest';
import { createTestRepository, type TestRepository } from './_repository.ts';

/** All that the seam says about a vault. */
async function account(custody: Custody, { vault }: AccountFixture): Promise<unknown> {
  const snapshots = await custody.snapshots(vault);
  return {
    head: await custody.head(vault),
    snapshots,
    refsets: await Promise.all(snapshots.map(async ({ seq }) => await custody.refset(vault, seq))),
    referable: await custody.referablePacks(vault),
    usage: await custody.usage(vault),
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

describe('damage to what is not a cache', () => {
  it('is named: a changed commit, a missing or changed keeper record', async () => {
    const { readdir, readFile, chmod } = await import('node:fs/promises');
    const fixture = createAccountFixture();
    await using repository = await createTestRepository(fixture);
    await makeHistory(repository, fixture);
    const vaults = join(repository.path, 'vaults');
    const vault = join(vaults, (await readdir(vaults))[0] as string);
    const records = (await readdir(join(vault, 'refsets'))).sort();
    const files = [join(vault, 'chain', '0000000002'), join(vault, 'refsets', records[1] as string)];
    for (const file of files) {
      const bytes = await readFile(file);
      const changed = Buffer.from(bytes);
      changed[60] = (changed[60] as number) ^ 1;
      await chmod(file, 0o600);
      await writeFile(file, changed);
      await rm(join(repository.path, 'ledger.sqlite'), { force: true });
      const custody = await repository.open();
      await expect(custody.snapshots(fixture.vault)).rejects.toMatchObject({ code: 'damaged' });
      await custody[Symbol.asyncDispose]();
      await writeFile(file, bytes);
    }
    await rm(files[1] as string);
    const custody = await repository.open();
    await expect(custody.snapshots(fixture.vault)).rejects.toMatchObject({ code: 'damaged' });
    await custody[Symbol.asyncDispose]();
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
