/**
 * Webhooks and ntfy. Where they go whoever runs the server says, never an owner or a stranger; and nowhere else: redirects
 * are failures, and what is answered is not read.
 */
import type { Message } from '@keephold/accounts/notices';
import { utf8Encode } from '@keephold/bytes';
import { shortTextOf, textOf } from './notice-text.ts';
import { SendError, type Sender } from './sender.ts';

const LIMIT = 15_000;

export interface WebhookOptions {
  readonly url: URL;
  /** HMAC-SHA256 by the secret that the receiver has. */
  readonly sign: (message: Uint8Array) => Uint8Array;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** As standardwebhooks.com says: what is signed is `id.timestamp.body`, so that neither can be sent again by others later. */
export function webhookSender({ url, sign, now }: WebhookOptions): Sender {
  return {
    channel: 'webhook',
    send: async (message) => {
      const body = JSON.stringify(webhookBody(message));
      const id = `msg_${message.id}`;
      const timestamp = String(Math.floor(now() / 1000));
      const signature = Buffer.from(sign(utf8Encode(`${id}.${timestamp}.${body}`))).toString('base64');
      await post(url, body, {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': timestamp,
        'webhook-signature': `v1,${signature}`,
      });
    },
  };
}

function webhookBody(message: Message): object {
  const { notice, account, madeAt } = message;
  const { kind, ...fields } = notice;
  const text = shortTextOf(message);
  return { type: `keephold.${kind}`, timestamp: new Date(madeAt).toISOString(), data: { account, text, ...fields } };
}

export interface NtfyOptions {
  /** With the topic as its path. */
  readonly url: URL;
  readonly token: string | undefined;
}

export function ntfySender({ url, token }: NtfyOptions): Sender {
  return {
    channel: 'ntfy',
    send: async (message) => {
      const { subject, isUrgent } = textOf(message);
      await post(url, shortTextOf(message), {
        'content-type': 'text/plain; charset=utf-8',
        ...{ title: subject, priority: isUrgent ? 'high' : 'default' },
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      });
    },
  };
}

async function post(url: URL, body: string, headers: Readonly<Record<string, string>>): Promise<void> {
  const signal = AbortSignal.timeout(LIMIT);
  let response: Response;
  try {
    response = await fetch(url, { method: 'POST', body, headers, redirect: 'manual', signal });
  } catch (cause) {
    throw new SendError((cause as Error).name === 'TimeoutError' ? 'too-slow' : 'unreachable', { cause });
  }
  await response.body?.cancel().catch(() => {});
  if (!response.ok) throw new SendError(`status-${response.status}`);
}
