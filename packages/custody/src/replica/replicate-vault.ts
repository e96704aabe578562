/**
 * Brings the second site of an account up to what is here: the records that open it, one vault's chain with all that it
 * needs, and what could not be copied earlier. What is there is a repository by itself, which any program that reads
 * repositories opens with the 24 words. Going on where another process, or a crash, left off costs listings.
 */

import { toHex } from '@keephold/bytes';
import { packIdAt, packIdCount } from '@keephold/protocol';
import type { KeeperClock } from '../clock.ts';
import { holdsFolder } from '../layout.ts';
import { isLost } from '../pack-state.ts';
import { standingHold } from '../retention/hold.ts';
import { mayDecide } from '../retention/hold-state.ts';
import type { ReplicationReport } from '../upkeep.ts';
import { copyAccount } from './copy-account.ts';
import { copyChain, livePacks } from './copy-chain.ts';
import { ReplicaContents } from './replica-contents.ts';
import type { Sites } from './sites.ts';
import { sweepReplica } from './sweep-replica.ts';

export interface ReplicateParts extends Sites {
  readonly clock: KeeperClock;
  readonly sweep: 'sweep' | 'leave';
}

export async function replicateVault(parts: ReplicateParts): Promise<ReplicationReport> {
  await copyAccount(parts);
  await copyHolds(parts);
  const contents = await ReplicaContents.look(parts);
  const chain = await copyChain(parts, contents);
  if (chain.kind === 'forked') return chain;
  await copyRest(parts, contents);
  const isHeld = (await standingHold({ backend: parts.from, account: parts.account }, parts.vault)) !== undefined;
  const mayDelete = parts.sweep === 'sweep' && mayDecide(isHeld);
  const deleted = mayDelete ? await sweepReplica(parts, contents, parts.clock) : 0;
  return {
    kind: 'copied',
    commits: chain.commits,
    unreadCommits: chain.unread,
    packs: contents.copiedPacks,
    objects: contents.copiedObjects,
    bytes: contents.copiedBytes,
    lackingPacks: await lackingPacks(parts, contents),
    deleted,
  };
}

/** Before the chain: what is stopped here is stopped there, too, if that place ever takes over. */
async function copyHolds({ from, to, vault }: Sites): Promise<void> {
  for await (const { name } of from.list(holdsFolder(vault))) {
    if ((await to.stat(name)) !== undefined) continue;
    const bytes = await from.get(name);
    if (bytes !== undefined) await to.putNew(name, bytes);
  }
}

/** What was missing or rotten here when its commit was copied, and has been put back since. */
async function copyRest(parts: Sites, contents: ReplicaContents): Promise<void> {
  const { ledger, vault } = parts;
  await contents.copyPacks(await livePacks(parts));
  await contents.copyObjects(await ledger.read(vault, async (transaction) => await transaction.ledger.objectNames()));
}

async function lackingPacks({ ledger, vault }: Sites, { packs }: ReplicaContents): Promise<number> {
  const needed = await ledger.read(vault, async (transaction) => {
    return await transaction.packs.ids((state) => state === 'live' || isLost(state));
  });
  let lacking = 0;
  for (let i = 0; i < packIdCount(needed); i++) if (!packs.has(toHex(packIdAt(needed, i)))) lacking++;
  return lacking;
}
