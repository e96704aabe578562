/** How much a vault holds, from the ledger alone. */
import { toHex } from '@keephold/bytes';
import { packLength, type Usage } from '@keephold/protocol';
import type { VaultTransaction } from '../ledger/vault-transaction.ts';

export async function usageOf({ packs, ledger }: VaultTransaction): Promise<Usage> {
  const usage = { packs: 0, packBytes: 0, objects: 0, objectBytes: 0, condemnedBytes: 0 };
  for (const shard of await packs.all()) {
    for (const [, { state, pages }] of shard.entries()) {
      if (state === 'lost') continue;
      usage.packs += 1;
      usage.packBytes += packLength(pages);
      if (state === 'condemned' || state === 'purging') usage.condemnedBytes += packLength(pages);
    }
  }
  const sizes = new Map((await ledger.objects()).map(({ name, size }) => [toHex(name), size]));
  for (const size of sizes.values()) {
    usage.objects += 1;
    usage.objectBytes += size;
  }
  const unreadCommits = (await ledger.commits()).filter(({ kind }) => kind === 'lost').length;
  return { ...usage, unreadCommits };
}
