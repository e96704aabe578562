/** The notifier of a server process, with its log and its figures. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AccountsSurroundings } from '@keephold/accounts';
import { messagesWaiting } from '@keephold/accounts/notices';
import {
  type AccountKeeper,
  type MessageOutcome,
  type Metrics,
  type Sender,
  startNotifier,
  type VaultWorker,
} from '@keephold/server';
import type { Context } from '../context.ts';

export interface NoticeParts {
  readonly keeper: AccountKeeper;
  readonly accounts: AccountsSurroundings;
  readonly senders: readonly Sender[];
  readonly metrics: Metrics | undefined;
}

export function notifyInBackground(
  { out }: Pick<Context, 'out'>,
  { keeper, accounts, senders, metrics }: NoticeParts,
): VaultWorker {
  metrics?.gauge(
    'messages_waiting',
    'Messages to people that are to be sent.',
    async () => await messagesWaiting(accounts),
  );
  const count = metrics?.counter('messages_total', 'Messages to people.', ['channel', 'outcome']);
  return startNotifier({
    ...{ accounts, keeper, senders },
    wait: async (milliseconds, signal) => await sleep(milliseconds, undefined, { signal }),
    onMessage: (message) => {
      const { channel, outcome } = message;
      count?.({ channel, outcome });
      out.error(logLine(message));
    },
    onFailed: (code) => out.error(JSON.stringify({ job: 'notify', failed: code })),
  });
}

/** JSON, like the lines of requests. */
function logLine({ channel, notice, outcome, code }: MessageOutcome): string {
  return JSON.stringify({ job: 'notify', channel, notice, outcome, ...(code !== undefined && { code }) });
}
