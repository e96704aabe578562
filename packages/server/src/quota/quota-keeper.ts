/**
 * Wrapper that refuses what goes beyond an account's quota: packs that are not there yet, and nothing else. Commits,
 * retention and whatever reads go on; a pack that is there may be sent again.
 */
import { type AccountsSurroundings, noteUsage, quotaOf, standingOf } from '@keephold/accounts';
import type { KeptCustody, RepositoryKeeper } from '@keephold/custody';
import {
  type AccountId,
  type AccountUsage,
  type Custody,
  overrideCustody,
  type PackId,
  SEALED_PAGE_LENGTH,
  type VaultId,
} from '@keephold/protocol';
import { Admission } from './admission.ts';

export function quotaKeeper(keeper: RepositoryKeeper, accounts: AccountsSurroundings): RepositoryKeeper {
  return {
    create: async (records) => await keeper.create(records),
    open: async (accountId) => withQuota(await keeper.open(accountId), accounts, accountId),
  };
}

function withQuota(custody: KeptCustody, accounts: AccountsSurroundings, accountId: AccountId): KeptCustody {
  const storedBytes = async (): Promise<number> => (await custody.accountUsage()).storedBytes;
  const admission = new Admission({ accounts, accountId, storedBytes });
  const limited: Partial<Custody> = {
    putPack: async (vault, id, bytes, options) => {
      await admission.pack(bytes.length, {
        store: async () => await custody.putPack(vault, id, bytes, options),
        isThere: async () => await isThere(custody, vault, id),
      });
    },
    putObject: async (vault, name, bytes) => {
      await admission.object(bytes.length);
      await custody.putObject(vault, name, bytes);
    },
    accountUsage: async () => await usageOf(accounts, accountId, await custody.accountUsage()),
  };
  // What is kept beside the seam passes through untouched.
  return overrideCustody(custody, limited) as KeptCustody;
}

async function usageOf(accounts: AccountsSurroundings, id: AccountId, usage: AccountUsage): Promise<AccountUsage> {
  const { storedBytes } = usage;
  const quota = await quotaOf(accounts, id);
  if (quota === undefined) return usage;
  const known = await noteUsage(accounts, id, { quota, storedBytes });
  return { ...usage, quota: standingOf(known, storedBytes, accounts.now()) };
}

async function isThere(custody: Custody, vault: VaultId, id: PackId): Promise<boolean> {
  const page = new Uint8Array(SEALED_PAGE_LENGTH);
  return (await custody.getPack(vault, id, page, { first: 0, count: 1 })) !== undefined;
}
