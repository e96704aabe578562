/** Which device may decide that an object goes: only those that name it, and all of them (security.md §3.4 P6). */
import { type Custody, type ObjectName, type PackIdList, sortPackIds } from '@keephold/protocol';
import {
  type AccountFixture,
  createAccountFixture,
  createCommit,
  createObject,
  createPack,
  type FixtureDevice,
  type FixtureObject,
} from '@keephold/testkit';
import { describe, expect, it } from 'vitest';
import { createTestRepository } from './_repository.ts';

const DAY = 86_400_000;

class Vault {
  readonly account: AccountFixture;
  readonly clock: { time: number };
  readonly custody: Custody;

  constructor(account: AccountFixture, custody: Custody, clock: Vault['clock']) {
    this.account = account;
    this.custody = custody;
    this.clock = clock;
  }

  /** A snapshot with a pack of its own, listed by `index`. */
  async store(
    device: number,
    { index, snapshot, superseded }: { index: FixtureObject; snapshot?: FixtureObject; superseded?: ObjectName[] },
  ): Promise<number> {
    const { custody, account } = this;
    const pack = createPack(account.vault, 1, 1);
    const object = snapshot ?? createObject();
    await custody.putPack(account.vault, pack.id, pack.bytes);
    for (const { name, bytes } of [index, object]) await custody.putObject(account.vault, name, bytes);
    const packs: PackIdList = sortPackIds([pack.id]);
    const request = createCommit({
      account,
      device: account.devices[device] as FixtureDevice,
      head: await custody.head(account.vault),
      snapshotObject: object.name,
      indexObjects: [index.name],
      packsAdded: packs,
      refset: packs,
      ...(superseded === undefined ? {} : { superseded }),
    });
    const outcome = await custody.commit(account.vault, request);
    if (outcome.kind !== 'accepted') throw new Error(outcome.kind);
    return outcome.head.seq;
  }

  async collectForDays(days: number): Promise<void> {
    for (let day = 0; day < days; day++) {
      await this.custody.collect(this.account.vault, {});
      this.clock.time += DAY;
    }
  }

  async isThere({ name }: FixtureObject): Promise<boolean> {
    const [bytes] = await this.custody.getObjects(this.account.vault, [name]);
    return bytes !== undefined;
  }
}

async function withVault(test: (vault: Vault) => Promise<void>): Promise<void> {
  const account = createAccountFixture({ devices: 2 });
  const clock = { time: Date.UTC(2026, 0, 5), now: (): number => clock.time };
  await using repository = await createTestRepository(account, { clock });
  await test(new Vault(account, repository.custody, clock));
}

describe('an index object', () => {
  it('goes when its device supersedes it, after the delay', async () => {
    await withVault(async (vault) => {
      const old = createObject();
      await vault.store(0, { index: old });
      await vault.store(0, { index: createObject(), superseded: [old.name] });
      expect(await vault.isThere(old)).toBe(true);
      await vault.collectForDays(9);
      expect(await vault.isThere(old)).toBe(false);
    });
  });

  it('stays when another device says it is superseded', async () => {
    await withVault(async (vault) => {
      const old = createObject();
      await vault.store(0, { index: old });
      await vault.store(1, { index: createObject(), superseded: [old.name] });
      await vault.collectForDays(20);
      expect(await vault.isThere(old)).toBe(true);
    });
  });

  it('stays when a device that named it first is done with it', async () => {
    await withVault(async (vault) => {
      const shared = createObject();
      const first = await vault.store(1, { index: shared });
      await vault.store(0, { index: shared });
      await vault.store(1, { index: createObject(), superseded: [shared.name] });
      await vault.custody.trash(vault.account.vault, [first]);
      await vault.collectForDays(50);
      expect(await vault.isThere(shared)).toBe(true);
    });
  });
});

describe('a snapshot object', () => {
  it('stays when another device has named it too and that snapshot is gone', async () => {
    await withVault(async (vault) => {
      const shared = createObject();
      const first = await vault.store(1, { index: createObject(), snapshot: shared });
      await vault.store(0, { index: createObject(), snapshot: shared });
      await vault.custody.trash(vault.account.vault, [first]);
      await vault.collectForDays(50);
      expect(await vault.isThere(shared)).toBe(true);
    });
  });
});

describe('a pack that is there', () => {
  it('is not replaced by what only bears its name', async () => {
    await withVault(async ({ custody, account }) => {
      const pack = createPack(account.vault, 1, 1);
      await custody.putPack(account.vault, pack.id, pack.bytes);
      const longer = createPack(account.vault, 1, 2);
      await expect(custody.putPack(account.vault, pack.id, longer.bytes)).rejects.toMatchObject({ code: 'refused' });
      const into = new Uint8Array(longer.bytes.length);
      expect(await custody.getPack(account.vault, pack.id, into)).toBe(pack.bytes.length);
    });
  });
});
