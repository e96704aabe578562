/** The expirer of a server process, with its log. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AccountsSurroundings } from '@keephold/accounts';
import { startExpirer, type VaultWorker } from '@keephold/server';
import type { Context } from '../context.ts';

export function expireInBackground({ out }: Pick<Context, 'out'>, accounts: AccountsSurroundings): VaultWorker {
  return startExpirer({
    accounts,
    wait: async (milliseconds, signal) => await sleep(milliseconds, undefined, { signal }),
    onFailed: (code) => out.error(JSON.stringify({ job: 'expire', failed: code })),
  });
}
