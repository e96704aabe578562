/** Keeper's records that have rotted: what is kept is never judged without them, and what has expired does not stop the rest. */
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createAccountFixture, createPack, type Stored, storeSnapshot } from '@keephold/testkit';
import { expect, it } from 'vitest';
import { createTestRepository, type TestRepository } from './_repository.ts';

const DAY = 86_400_000;

/** Three snapshots with a pack each, of which the first has expired; the second stands on `parent`. */
async function expiredFirst(
  { child }: { readonly child: boolean },
  test: (vault: Vault) => Promise<void>,
): Promise<void> {
  const account = createAccountFixture();
  const clock = { time: Date.UTC(2026, 0, 5), now: (): number => clock.time };
  await using repository = await createTestRepository(account, { clock });
  const { custody } = repository;
  const pack = createPack(account.vault, 1, 1);
  const first = await storeSnapshot(custody, account, { packs: [pack] });
  const parent = child ? { parent: first, without: [pack] } : {};
  const second = await storeSnapshot(custody, account, { packs: [createPack(account.vault, 1, 1)], ...parent });
  await storeSnapshot(custody, account, { packs: [createPack(account.vault, 1, 1)] });
  await custody.trash(account.vault, [first.seq]);
  const collect = async (days: number): Promise<number> => {
    await using again = await repository.open({ clock });
    let purged = 0;
    for (let day = 0; day < days; day++) {
      purged += (await again.collect(account.vault, {})).purgedPacks;
      clock.time += DAY;
    }
    return purged;
  };
  await collect(31);
  await test({ repository, first, second, collect });
}

interface Vault {
  readonly repository: TestRepository;
  readonly first: Stored;
  readonly second: Stored;
  /** Once a day; answers how many packs went. */
  readonly collect: (days: number) => Promise<number>;
}

function damageRecord({ path }: TestRepository, { seq }: Stored): void {
  const [vault = ''] = readdirSync(join(path, 'vaults'));
  const folder = join(path, 'vaults', vault, 'refsets');
  const name = readdirSync(folder).find((file) => Number(file.slice(0, 10)) === seq) as string;
  rmSync(join(folder, name));
  writeFileSync(join(folder, name), 'rotten');
}

it('that only an expired snapshot had do not stop a collection', async () => {
  await expiredFirst({ child: false }, async ({ repository, first, collect }) => {
    damageRecord(repository, first);
    expect(await collect(10)).toBe(1);
  });
});

it('of a kept snapshot stop it, and those that a kept one stands on', async () => {
  await expiredFirst({ child: false }, async ({ repository, second, collect }) => {
    damageRecord(repository, second);
    await expect(collect(10)).rejects.toMatchObject({ code: 'damaged' });
  });
  await expiredFirst({ child: true }, async ({ repository, first, collect }) => {
    damageRecord(repository, first);
    await expect(collect(10)).rejects.toMatchObject({ code: 'damaged' });
  });
});
