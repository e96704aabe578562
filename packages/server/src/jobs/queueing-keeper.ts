/**
 * Wrapper that puts vaults into the queues of background work: collected from a day after the first session on, copied
 * to the second site, where there is one, after every change.
 */
import type { KeptCustody, RepositoryKeeper, VaultQueue } from '@keephold/custody';
import { type AccountId, type Custody, overrideCustody, type VaultId } from '@keephold/protocol';

export interface Queues {
  readonly collection: VaultQueue;
  /** Undefined: there is no second site. */
  readonly replication?: VaultQueue | undefined;
}

const DAY = 86_400_000;

/** `now`: unix milliseconds. */
export function queueingKeeper(keeper: RepositoryKeeper, queues: Queues, now: () => number): RepositoryKeeper {
  return {
    create: async (records) => await keeper.create(records),
    open: async (accountId) => {
      const custody = await keeper.open(accountId);
      const { collection, replication } = queues;
      const collected: Partial<Custody> = {
        openSession: async (vault) => {
          await custody.openSession(vault);
          await collection.add(accountId, vault, now() + DAY);
          await replication?.changed(accountId, vault, now());
        },
      };
      const copied = replication === undefined ? {} : tellingChanges(custody, { accountId, replication, now });
      // What is kept beside the seam passes through untouched.
      return overrideCustody(custody, { ...copied, ...collected }) as KeptCustody;
    },
  };
}

interface ReplicationOf {
  readonly accountId: AccountId;
  readonly replication: VaultQueue;
  readonly now: () => number;
}

/** Packs and objects without a commit are nobody's yet; all else is to be at the second site soon. */
function tellingChanges(custody: Custody, { accountId, replication, now }: ReplicationOf): Partial<Custody> {
  const told = async <T>(vault: VaultId, change: Promise<T>): Promise<T> => {
    const result = await change;
    await replication.changed(accountId, vault, now());
    return result;
  };
  const toldOfAccount = async <T>(change: Promise<T>): Promise<T> => {
    const result = await change;
    await replication.accountChanged(accountId, now());
    return result;
  };
  return {
    appendKeychain: async (entry) => await toldOfAccount(custody.appendKeychain(entry)),
    putSlot: async (slotId, record) => await toldOfAccount(custody.putSlot(slotId, record)),
    removeSlot: async (slotId) => await toldOfAccount(custody.removeSlot(slotId)),
    putKeyring: async (sealed) => await toldOfAccount(custody.putKeyring(sealed)),
    putGrant: async (name, sealed) => await toldOfAccount(custody.putGrant(name, sealed)),
    commit: async (vault, request) => await told(vault, custody.commit(vault, request)),
    trash: async (vault, seqs) => await told(vault, custody.trash(vault, seqs)),
    untrash: async (vault, seqs) => await told(vault, custody.untrash(vault, seqs)),
    restateRefset: async (vault, seq, restated) => await told(vault, custody.restateRefset(vault, seq, restated)),
    putBackCommit: async (vault, commit) => await told(vault, custody.putBackCommit(vault, commit)),
  };
}
