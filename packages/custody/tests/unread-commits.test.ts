/** Commits in the middle of a chain that cannot be read: what they need is kept, and the owner's way out is theirs too. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Custody, containsPackId, type VaultId } from '@keephold/protocol';
import { createAccountFixture, createPack, type Stored, storeSnapshot } from '@keephold/testkit';
import { expect, it } from 'vitest';
import type { FolderCollectOptions } from '../src/index.ts';
import { createTestRepository, type TestRepository } from './_repository.ts';

const DAY = 86_400_000;

interface Vault {
  readonly custody: Custody;
  readonly stored: readonly Stored[];
  readonly vault: VaultId;
  readonly damage: (what: 'chain' | 'refsets', index: number) => void;
  /** Puts back what was damaged. */
  readonly restore: () => void;
  /** A custody whose ledger is made anew from the files. */
  readonly reopened: () => Promise<Custody>;
  /** Once a day; answers the packs that are left. */
  readonly collect: (custody: Custody, days: number, more?: { readonly skip?: number }) => Promise<readonly boolean[]>;
}

/** Four snapshots with a pack of their own each, every one standing on the one before it where `chained` says so. */
async function withVault(options: { readonly chained: boolean }, test: (vault: Vault) => Promise<void>): Promise<void> {
  const account = createAccountFixture();
  const clock = { time: Date.now(), now: (): number => clock.time };
  await using repository = await createTestRepository(account, { clock });
  const { custody } = repository;
  const packs = Array.from({ length: 4 }, () => createPack(account.vault, 1, 1));
  const stored: Stored[] = [];
  for (const [index, pack] of packs.entries()) {
    const parent = options.chained && index > 0 ? { parent: stored.at(-1)!, without: [packs[index - 1]!] } : {};
    stored.push(await storeSnapshot(custody, account, { packs: [pack], ...parent }));
  }
  const originals = new Map<string, Uint8Array>();
  await test({
    custody,
    vault: account.vault,
    stored,
    damage: (what, index) => {
      const file = fileOf(repository, what, stored[index]?.seq ?? index);
      originals.set(file, readFileSync(file));
      rmSync(file);
      writeFileSync(file, 'rotten');
    },
    restore: () => {
      for (const [file, bytes] of originals) writeFileSync(file, bytes);
    },
    reopened: async () => {
      for (const name of readdirSync(repository.path))
        if (name.startsWith('ledger.')) rmSync(join(repository.path, name));
      return await repository.open({ clock });
    },
    collect: async (using, days, { skip = 0 } = {}) => {
      clock.time += skip * DAY;
      const options: FolderCollectOptions = { dateConfirmed: true };
      for (let day = 0; day < days; day++) {
        await using.collect(account.vault, options);
        clock.time += DAY;
      }
      const left = await using.referablePacks(account.vault);
      return packs.map(({ id }) => containsPackId(left, id));
    },
  });
}

function fileOf({ path }: TestRepository, what: 'chain' | 'refsets', seq: number): string {
  const [vault = ''] = readdirSync(join(path, 'vaults'));
  const folder = join(path, 'vaults', vault, what);
  return join(folder, readdirSync(folder).find((file) => Number(file.slice(0, 10)) === seq) as string);
}

it.each([true, false])('keep what their records say, and stop no collection (chained: %s)', async (chained) => {
  await withVault({ chained }, async ({ custody, vault, stored, damage, reopened, collect }) => {
    await custody.trash(vault, [stored[0]!.seq]);
    damage('chain', 1);
    await using again = await reopened();
    expect((await again.usage(vault)).unreadCommits).toBe(1);
    expect(await collect(again, 45)).toEqual([false, true, true, true]);
  });
});

it('let go of it when the owner has given them up and the delays are over', async () => {
  await withVault({ chained: true }, async ({ vault, stored, damage, reopened, collect }) => {
    damage('chain', 1);
    await using again = await reopened();
    const [change] = await again.trash(vault, [stored[1]!.seq]);
    expect(change?.expiresAt).toBeGreaterThan(0);
    expect((await again.usage(vault)).unreadCommits).toBe(0);
    expect(await collect(again, 29)).toEqual([true, true, true, true]);
    // The snapshot after it stands on its record, and is whole all the same.
    expect(await collect(again, 20)).toEqual([true, false, true, true]);
    expect(await again.refset(vault, stored[2]!.seq)).toEqual(stored[2]!.refset);
    await using anew = await reopened();
    expect(await collect(anew, 45)).toEqual([true, false, true, true]);
  });
});

it('whose record is damaged too stop collections until the owner has given them up and the delay is over', async () => {
  await withVault({ chained: false }, async ({ vault, stored, damage, reopened, collect }) => {
    damage('chain', 1);
    damage('refsets', 1);
    await using again = await reopened();
    await again.trash(vault, [stored[0]!.seq]);
    const refusal = { code: 'damaged', hint: expect.stringContaining('--accept-history') as string };
    await expect(collect(again, 1)).rejects.toMatchObject(refusal);
    await again.trash(vault, [stored[1]!.seq]);
    const waiting = { code: 'damaged', hint: expect.stringContaining('until its delay is over') as string };
    await expect(collect(again, 1)).rejects.toMatchObject(waiting);
    await again.untrash(vault, [stored[1]!.seq]);
    await expect(collect(again, 1, { skip: 31 })).rejects.toMatchObject(refusal);
    await again.trash(vault, [stored[1]!.seq]);
    // The first was forgotten at the very time of the next commit: it may have been before, and it stays.
    expect(await collect(again, 10, { skip: 31 })).toEqual([true, false, true, true]);
  });
});

it('stop collections where two of them are beside each other, for nothing tells which record is the right one', async () => {
  await withVault({ chained: true }, async ({ vault, stored, damage, reopened, collect }) => {
    damage('chain', 1);
    damage('chain', 2);
    await using again = await reopened();
    await expect(collect(again, 1)).rejects.toMatchObject({ code: 'damaged' });
    expect(await again.refset(vault, stored[3]!.seq)).toEqual(stored[3]!.refset);
    await again.trash(vault, [stored[1]!.seq, stored[2]!.seq]);
    expect(await collect(again, 10, { skip: 31 })).toEqual([true, false, false, true]);
  });
});

it('may have taken snapshots out of the trash, which is done again when they are given up', async () => {
  await withVault({ chained: false }, async ({ vault, custody, stored, damage, reopened, collect }) => {
    const [first, second, third] = stored.map(({ seq }) => seq) as [number, number, number];
    await custody.trash(vault, [first, second]);
    const event = stored.at(-1)!.seq + 2;
    await custody.untrash(vault, [first]);
    await collect(custody, 1);
    // Whatever is read next tells that the damaged one was before it.
    await custody.trash(vault, [stored[3]!.seq]);
    await custody.untrash(vault, [stored[3]!.seq]);
    await collect(custody, 1);
    await custody.trash(vault, [third]);
    damage('chain', event);
    await using again = await reopened();
    const states = async (): Promise<readonly string[]> => (await again.snapshots(vault)).map(({ state }) => state);
    expect(await states()).toEqual(['trashed', 'trashed', 'trashed', 'active']);
    await again.trash(vault, [event]);
    expect(await states()).toEqual(['active', 'active', 'trashed', 'active']);
    expect(await collect(again, 10, { skip: 31 })).toEqual([true, true, false, true]);
  });
});

it('may not be forgotten like snapshots when they turn out to be none', async () => {
  await withVault({ chained: false }, async ({ vault, custody, stored, damage, restore, reopened, collect }) => {
    await custody.trash(vault, [stored[0]!.seq]);
    const event = stored.at(-1)!.seq + 1;
    await custody.untrash(vault, [stored[0]!.seq]);
    damage('chain', event);
    await using again = await reopened();
    await again.trash(vault, [event]);
    restore();
    await using mended = await reopened();
    expect(await collect(mended, 45)).toEqual([true, true, true, true]);
    expect((await mended.snapshots(vault)).map(({ state }) => state)).toEqual(['active', 'active', 'active', 'active']);
  });
});
