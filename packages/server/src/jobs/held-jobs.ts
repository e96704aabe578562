/**
 * Vaults that this process has taken: their leases are renewed for as long as it works on them, so that leases can be
 * short, and what a process that died has held is soon somebody else's.
 */
import { toHex } from '@keephold/bytes';
import type { VaultJob, VaultQueue } from '@keephold/custody';

const MINUTE = 60_000;
export const LEASE: number = 10 * MINUTE;
/** Two may fail before the third is too late. */
const RENEWED_EVERY = 3 * MINUTE;

export class HeldJobs {
  readonly #queue: VaultQueue;
  readonly #now: () => number;
  readonly #jobs = new Map<string, VaultJob>();
  readonly #timer: NodeJS.Timeout;
  #renewing: Promise<void> = Promise.resolve();

  constructor({ queue, now }: { readonly queue: VaultQueue; readonly now: () => number }, jobs: readonly VaultJob[]) {
    [this.#queue, this.#now] = [queue, now];
    for (const job of jobs) this.#jobs.set(keyOf(job), job);
    this.#timer = setInterval(() => {
      this.#renewing = this.#renewing.then(async () => await this.#renewAll());
    }, RENEWED_EVERY);
  }

  /** With its lease as it is now; it is held no longer. */
  async release(job: VaultJob): Promise<VaultJob> {
    let renewing: Promise<void>;
    do {
      renewing = this.#renewing;
      await renewing;
    } while (renewing !== this.#renewing);
    const key = keyOf(job);
    const held = this.#jobs.get(key) ?? job;
    this.#jobs.delete(key);
    return held;
  }

  end(): void {
    clearInterval(this.#timer);
  }

  async #renewAll(): Promise<void> {
    for (const [key, job] of this.#jobs) {
      try {
        const renewed = await this.#queue.renew(job, this.#now() + LEASE);
        // Two at one vault do no harm: what has begun goes on.
        if (renewed === undefined) this.#jobs.delete(key);
        else if (this.#jobs.has(key)) this.#jobs.set(key, renewed);
      } catch {
        // The database is away: the next renewal, or the end of the lease, comes by itself.
      }
    }
  }
}

function keyOf({ accountId, vault }: VaultJob): string {
  return `${toHex(accountId)}/${toHex(vault)}`;
}
