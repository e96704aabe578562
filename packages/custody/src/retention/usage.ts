/** How much a vault holds, from the ledger alone; parity by the sizes of its files. */
import type { Backend } from '@keephold/backend';
import { toHex } from '@keephold/bytes';
import type { Usage } from '@keephold/protocol';
import type { VaultTransaction } from '../ledger/vault-transaction.ts';
import { storedLength } from '../pack-state.ts';
import { PARITY } from '../parity/parity-names.ts';
import { isUnread } from '../snapshot-state.ts';

export async function usageOf(backend: Backend, { packs, ledger, vault }: VaultTransaction): Promise<Usage> {
  const usage = {
    packs: 0,
    packBytes: 0,
    objects: 0,
    objectBytes: 0,
    condemnedBytes: 0,
    pendingBytes: 0,
    parityBytes: 0,
  };
  let pendingUntil = Number.POSITIVE_INFINITY;
  for (const shard of await packs.all()) {
    for (const [, entry] of shard.entries()) {
      const { state, since } = entry;
      if (state === 'lost') continue;
      const length = storedLength(entry);
      usage.packs += 1;
      usage.packBytes += length;
      if (state === 'condemned' || state === 'purging') usage.condemnedBytes += length;
      if (state !== 'pending') continue;
      usage.pendingBytes += length;
      pendingUntil = Math.min(pendingUntil, since);
    }
  }
  const sizes = new Map((await ledger.objects()).map(({ name, size }) => [toHex(name), size]));
  for (const size of sizes.values()) {
    usage.objects += 1;
    usage.objectBytes += size;
  }
  for await (const { size } of backend.list(`${PARITY}/vaults/${toHex(vault)}`)) usage.parityBytes += size;
  const unreadCommits = (await ledger.commits()).filter(isUnread).length;
  return { ...usage, unreadCommits, ...(usage.pendingBytes > 0 && { pendingUntil }) };
}
