/** The collector of a server process, with its log. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { VaultQueue } from '@keephold/custody';
import { type AccountKeeper, type CollectionOutcome, startCollector, type VaultWorker } from '@keephold/server';
import type { Context } from '../context.ts';

export interface CollectionParts {
  readonly keeper: AccountKeeper;
  readonly queue: VaultQueue;
  /** Undefined: nothing is scrubbed. */
  readonly scrub: VaultQueue | undefined;
}

export function collectInBackground(
  { out, now }: Pick<Context, 'out' | 'now'>,
  { keeper, queue, scrub }: CollectionParts,
): VaultWorker {
  const wait = async (milliseconds: number, signal: AbortSignal): Promise<void> =>
    await sleep(milliseconds, undefined, { signal });
  const onCollected = (outcome: CollectionOutcome): void => {
    const line = logLine(outcome);
    if (line !== undefined) out.error(line);
  };
  return startCollector({ keeper, queue, scrub, now, wait, onCollected });
}

/** JSON, like the lines of requests, for what was deleted and what failed; undefined when nothing was. */
function logLine(outcome: CollectionOutcome): string | undefined {
  if (outcome.kind === 'failed') return JSON.stringify({ job: 'collect', failed: outcome.code });
  const { condemned, expiredSnapshots, purgedPacks, purgedObjects } = outcome.report;
  if (condemned + expiredSnapshots + purgedPacks + purgedObjects === 0) return undefined;
  return JSON.stringify({ job: 'collect', condemned, expiredSnapshots, purgedPacks, purgedObjects });
}
