/** How a server tells people, from what its owner wrote: mail, a webhook, ntfy, any of them. */
import { utf8Encode } from '@keephold/bytes';
import { hmacSha256 } from '@keephold/crypto';
import { type MailOptions, mailSender, ntfySender, type Sender, webhookSender } from '@keephold/server';
import type { Context } from '../context.ts';
import { UsageError } from '../errors.ts';
import { serverAddress, serverSecret } from './server-addresses.ts';

export interface SenderOptions {
  readonly smtp: string | undefined;
  readonly 'mail-from': string | undefined;
  readonly webhook: string | undefined;
  readonly ntfy: string | undefined;
}

export function serverSenders(
  context: Pick<Context, 'environment' | 'out' | 'now'>,
  options: SenderOptions,
): readonly Sender[] {
  const senders: Sender[] = [];
  const smtp = serverAddress('smtp', options.smtp, context);
  if (smtp !== undefined) senders.push(mailSender(mailOptions(smtp, options['mail-from'])));
  else if (options['mail-from'] !== undefined) throw new UsageError('--mail-from is of no use without --smtp');
  const webhook = serverAddress('webhook', options.webhook, context);
  if (webhook !== undefined) {
    const key = webhookKey(serverSecret('webhookSecret', context));
    senders.push(webhookSender({ url: webhook, sign: (text) => hmacSha256(key, text), now: () => context.now() }));
  }
  const ntfy = serverAddress('ntfy', options.ntfy, context);
  if (ntfy !== undefined) senders.push(ntfySender({ url: ntfy, token: serverSecret('ntfyToken', context) }));
  return senders;
}

const LOCAL = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

function mailOptions(url: URL, from: string | undefined): MailOptions {
  if (from === undefined || !/^[^\s@<>]+@[^\s@<>]+$/.test(from)) {
    throw new UsageError('mail needs the address that it comes from', 'give --mail-from ADDRESS');
  }
  const isTls = url.protocol === 'smtps:';
  const isPlain = LOCAL.test(url.hostname) || url.searchParams.get('tls') === 'no';
  const user = decodeURIComponent(url.username);
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? (isTls ? 465 : 587) : Number(url.port),
    security: isTls ? 'tls' : isPlain ? 'plain' : 'starttls',
    login: user === '' ? undefined : { user, password: decodeURIComponent(url.password) },
    from,
  };
}

/** `whsec_…` has base64 in it, as other senders of webhooks write it; anything else is its own bytes. */
function webhookKey(secret: string | undefined): Uint8Array {
  const key = secret?.startsWith('whsec_') === true ? Buffer.from(secret.slice(6), 'base64') : utf8Encode(secret ?? '');
  if (key.length >= 16) return new Uint8Array(key);
  throw new UsageError(
    'a webhook needs a secret of at least 16 bytes, by which its receiver knows that we sent it',
    'put one into KEEPHOLD_WEBHOOK_SECRET, or into a file that KEEPHOLD_WEBHOOK_SECRET_FILE names',
  );
}
