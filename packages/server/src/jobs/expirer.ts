/** Clears away what has expired beside the accounts, a minute apart, by any number of processes. */
import { type AccountsSurroundings, clearExpired } from '@keephold/accounts';
import type { VaultWorker, WorkerParts } from './vault-worker.ts';

export interface ExpirerOptions {
  readonly accounts: AccountsSurroundings;
  readonly wait: WorkerParts['wait'];
  /** Told of what failed: a code. */
  readonly onFailed?: (code: string) => void;
}

/** Milliseconds, when there is nothing left to clear. */
const PAUSE = 60_000;
/** Of each kind in one transaction, which requests wait for. */
const AT_ONCE = 200;

export function startExpirer(options: ExpirerOptions): VaultWorker {
  const controller = new AbortController();
  const running = expireUntil(options, controller.signal);
  return {
    stop: async () => {
      controller.abort();
      await running;
    },
  };
}

async function expireUntil({ accounts, wait, onFailed }: ExpirerOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    let isMore = false;
    try {
      isMore = (await clearExpired(accounts, AT_ONCE)).some((found) => found === AT_ONCE);
    } catch (error) {
      // The database is away: another look comes.
      onFailed?.(codeOf(error));
    }
    if (!isMore && !signal.aborted) await wait(PAUSE, signal).catch(() => {});
  }
}

function codeOf(error: unknown): string {
  const { code, name } = error as { readonly code?: unknown; readonly name?: unknown };
  const told = code ?? name;
  return typeof told === 'string' ? told : 'failed';
}
