/** Wrapper that has each vault collected, again and again, from a day after its first session on. */
import type { CollectionQueue, RepositoryKeeper } from '@keephold/custody';
import { overrideCustody } from '@keephold/protocol';

const DAY = 86_400_000;

/** `now`: unix milliseconds. */
export function queueingKeeper(keeper: RepositoryKeeper, queue: CollectionQueue, now: () => number): RepositoryKeeper {
  return {
    create: async (records) => await keeper.create(records),
    open: async (accountId) => {
      const custody = await keeper.open(accountId);
      return overrideCustody(custody, {
        openSession: async (vault) => {
          await custody.openSession(vault);
          await queue.add(accountId, vault, now() + DAY);
        },
      });
    },
  };
}
