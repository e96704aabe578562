/** The replicator of a server process, with its log, and how far the second site is behind. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Backend } from '@keephold/backend';
import { replicaOf, type VaultQueue } from '@keephold/custody';
import {
  type AccountKeeper,
  type ReplicationOutcome,
  type ServerOptions,
  startReplicator,
  type VaultWorker,
} from '@keephold/server';
import type { Context } from '../context.ts';

export interface ReplicationParts {
  readonly keeper: AccountKeeper;
  readonly queue: VaultQueue;
  /** The second site. */
  readonly root: Backend;
}

export function replicateInBackground(
  { out, now }: Pick<Context, 'out' | 'now'>,
  { keeper, queue, root }: ReplicationParts,
): VaultWorker {
  return startReplicator({
    ...{ keeper, queue, now },
    wait: async (milliseconds, signal) => await sleep(milliseconds, undefined, { signal }),
    placeOf: async (accountId) => await replicaOf(root, accountId),
    onReplicated: (outcome) => {
      const line = logLine(outcome);
      if (line !== undefined) out.error(line);
    },
  });
}

/** JSON, like the lines of requests; undefined when nothing was to be done. */
function logLine(outcome: ReplicationOutcome): string | undefined {
  if (outcome.kind === 'failed') return JSON.stringify({ job: 'replicate', failed: outcome.code });
  if (outcome.kind === 'forked') return JSON.stringify({ job: 'replicate', failed: 'forked', seq: outcome.seq });
  const { kind: _, ...counts } = outcome;
  return Object.values(counts).every((count) => count === 0)
    ? undefined
    : JSON.stringify({ job: 'replicate', ...counts });
}

export function replicationState(queue: VaultQueue, now: () => number): NonNullable<ServerOptions['replication']> {
  return async () => {
    const { vaults, since } = await queue.waiting();
    return { vaults, behindSeconds: since === undefined ? 0 : Math.max(0, Math.round((now() - since) / 1000)) };
  };
}
