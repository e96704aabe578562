/**
 * Works on vaults in the background, one at a time, by a queue that several processes share through leases. What fails is
 * tried again and never stops the rest.
 */
import type { KeptCustody, VaultJob, VaultQueue } from '@keephold/custody';
import { CustodyError } from '@keephold/protocol';
import type { AccountKeeper } from '../keeper.ts';
import { HeldJobs, LEASE } from './held-jobs.ts';

export interface WorkerParts {
  readonly keeper: AccountKeeper;
  readonly queue: VaultQueue;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Milliseconds; resolves early, or rejects, when the signal aborts. */
  readonly wait: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

export interface VaultWorker {
  /** What runs ends after its next step. */
  stop(): Promise<void>;
}

export interface Done {
  /** Unix milliseconds. */
  readonly nextDueAt: number;
  readonly sweptAt?: number;
  /** How far work that takes many turns has come. */
  readonly position?: number;
  /** Whether something is left: then it counts as waiting. */
  readonly outcome?: 'done' | 'to-be-tried-again';
}

export interface VaultTask {
  /** Ends early when the signal aborts, by throwing or by coming back. */
  work(custody: KeptCustody, job: VaultJob, signal: AbortSignal): Promise<Done>;
  /** Told of what failed; nothing in it says whose it was. */
  failed(code: string): void;
  /** Between two looks when there is nothing to do, milliseconds. */
  readonly pause: number;
}

const HOUR = 3_600_000;
/** Work that takes longer stops, so that others get their turn, and goes on at its next. */
const LONGEST = HOUR;
const AT_ONCE = 8;

export function startVaultWorker(parts: WorkerParts, task: VaultTask): VaultWorker {
  const controller = new AbortController();
  const running = workUntil(parts, task, controller.signal);
  return {
    stop: async () => {
      controller.abort();
      await running;
    },
  };
}

async function workUntil(parts: WorkerParts, task: VaultTask, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const did = await workDue(parts, task, signal);
    if (did > 0 || signal.aborted) continue;
    await parts.wait(task.pause, signal).catch(() => {});
  }
}

/** Answers how many were due. */
async function workDue(parts: WorkerParts, task: VaultTask, signal: AbortSignal): Promise<number> {
  const jobs = await takeJobs(parts, task);
  if (jobs.length === 0) return 0;
  const until = AbortSignal.any([signal, AbortSignal.timeout(LONGEST)]);
  const held = new HeldJobs(parts, jobs);
  try {
    for (const job of jobs) {
      const done: Done | undefined = until.aborted
        ? { nextDueAt: parts.now(), outcome: 'to-be-tried-again' }
        : await workOnOne(parts, task, { job, signal: until });
      await giveBack(parts, await held.release(job), done);
    }
  } finally {
    held.end();
  }
  return jobs.length;
}

async function takeJobs({ queue, now }: WorkerParts, task: VaultTask): Promise<readonly VaultJob[]> {
  const time = now();
  try {
    return await queue.take({ now: time, leasedUntil: time + LEASE, most: AT_ONCE });
  } catch (error) {
    // The database is away: another look comes.
    task.failed(codeOf(error));
    return [];
  }
}

/** Undefined: the account is gone. */
async function workOnOne(
  { keeper, now }: WorkerParts,
  task: VaultTask,
  { job, signal }: { readonly job: VaultJob; readonly signal: AbortSignal },
): Promise<Done | undefined> {
  try {
    return await keeper.use(job.accountId, async (custody) => await task.work(custody, job, signal));
  } catch (error) {
    if (!signal.aborted) task.failed(codeOf(error));
    if (error instanceof CustodyError && error.code === 'no-repository') return undefined;
    return { nextDueAt: signal.aborted ? now() : now() + HOUR, outcome: 'to-be-tried-again' };
  }
}

async function giveBack({ queue }: WorkerParts, job: VaultJob, done: Done | undefined): Promise<void> {
  try {
    if (done === undefined) await queue.remove(job);
    else await queue.finish(job, { outcome: 'done', ...done });
  } catch {
    // The database is away: the lease ends by itself.
  }
}

function codeOf(error: unknown): string {
  const { code, name } = error as { readonly code?: unknown; readonly name?: unknown };
  const told = code ?? name;
  return typeof told === 'string' ? told : 'failed';
}
