/**
 * Collects vaults once a day (security.md §6.5): expires what is in the trash for long enough, purges what nothing needs
 * any more. Several processes share the work by leases. What fails is tried again and never stops the rest.
 */
import type { CollectionJob, CollectionQueue } from '@keephold/custody';
import { CustodyError, type PurgeReport } from '@keephold/protocol';
import type { AccountKeeper } from '../keeper.ts';

export interface CollectorOptions {
  readonly keeper: AccountKeeper;
  readonly queue: CollectionQueue;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Milliseconds; resolves early, or rejects, when the signal aborts. */
  readonly wait: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  /** Told of each collection; nothing in it says whose it was. */
  readonly onCollected?: (outcome: CollectionOutcome) => void;
}

export type CollectionOutcome =
  | { readonly kind: 'collected'; readonly report: PurgeReport }
  | { readonly kind: 'failed'; readonly code: string };

export interface Collector {
  /** What runs ends after its next step. */
  stop(): Promise<void>;
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Far longer than a collection takes; a process that dies holds its vaults up for so long. */
const LEASE = HOUR;
const AT_ONCE = 8;
/** Between two looks when there is nothing to do: no vault is in a hurry. */
const PAUSE = 60_000;

export function startCollector(options: CollectorOptions): Collector {
  const controller = new AbortController();
  const running = collectUntil(options, controller.signal);
  return {
    stop: async () => {
      controller.abort();
      await running;
    },
  };
}

async function collectUntil(options: CollectorOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const did = await collectDue(options, signal);
    if (did > 0 || signal.aborted) continue;
    await options.wait(PAUSE, signal).catch(() => {});
  }
}

/** Answers how many were due. */
async function collectDue(options: CollectorOptions, signal: AbortSignal): Promise<number> {
  const jobs = await takeJobs(options);
  for (const job of jobs) {
    if (signal.aborted) await giveBack(options, job, options.now());
    else await collectOne(options, job, signal);
  }
  return jobs.length;
}

async function takeJobs({ queue, now, onCollected }: CollectorOptions): Promise<readonly CollectionJob[]> {
  const time = now();
  try {
    return await queue.take({ now: time, leasedUntil: time + LEASE, most: AT_ONCE });
  } catch (error) {
    // The database is away: another look comes.
    onCollected?.({ kind: 'failed', code: codeOf(error) });
    return [];
  }
}

async function collectOne(options: CollectorOptions, job: CollectionJob, signal: AbortSignal): Promise<void> {
  const { keeper, now, onCollected } = options;
  try {
    const report = await keeper.use(job.accountId, async (custody) => await custody.collect(job.vault, { signal }));
    onCollected?.({ kind: 'collected', report });
    await giveBack(options, job, now() + DAY);
  } catch (error) {
    if (!signal.aborted) onCollected?.({ kind: 'failed', code: codeOf(error) });
    const isGone = error instanceof CustodyError && error.code === 'no-repository';
    await giveBack(options, job, isGone ? undefined : signal.aborted ? now() : now() + HOUR);
  }
}

/** Undefined: the account is gone. */
async function giveBack({ queue }: CollectorOptions, job: CollectionJob, nextDueAt: number | undefined): Promise<void> {
  try {
    if (nextDueAt === undefined) await queue.remove(job);
    else await queue.finish(job, nextDueAt);
  } catch {
    // The database is away: the lease ends by itself.
  }
}

function codeOf(error: unknown): string {
  const { code, name } = error as { readonly code?: unknown; readonly name?: unknown };
  const told = code ?? name;
  return typeof told === 'string' ? told : 'failed';
}
