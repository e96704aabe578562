/** Mail by SMTP, encrypted unless the mail server is on this machine or its owner says otherwise. */
import { createTransport } from 'nodemailer';
import { textOf } from './notice-text.ts';
import { SendError, type Sender } from './sender.ts';

export interface MailOptions {
  readonly host: string;
  readonly port: number;
  /** tls: from the first byte. starttls: before anything is said. plain: never, for a mail server on this machine. */
  readonly security: 'tls' | 'starttls' | 'plain';
  readonly login: { readonly user: string; readonly password: string } | undefined;
  readonly from: string;
}

const CONNECT_LIMIT = 10_000;
const SILENCE_LIMIT = 20_000;
/** Of one message, however slowly the other side goes on: less than a server has to stop. */
const LIMIT = 25_000;

export function mailSender({ host, port, security, login, from }: MailOptions): Sender {
  const transport = createTransport({
    ...{ host, port, secure: security === 'tls', requireTLS: security === 'starttls', ignoreTLS: security === 'plain' },
    ...(login !== undefined && { auth: { user: login.user, pass: login.password } }),
    ...{ connectionTimeout: CONNECT_LIMIT, greetingTimeout: CONNECT_LIMIT, socketTimeout: SILENCE_LIMIT },
    // Of what is sent nothing is a path or an address to fetch.
    ...{ disableFileAccess: true, disableUrlAccess: true },
  });
  const domain = from.slice(from.lastIndexOf('@') + 1).replace(/>$/, '');
  return {
    channel: 'mail',
    send: async (message) => {
      const { subject, body: text } = textOf(message);
      const mail = { from, to: message.target, subject, text, date: new Date(message.madeAt) };
      // No answer from programs that are on holiday.
      const headers = { 'Auto-Submitted': 'auto-generated' };
      await inTime(transport.sendMail({ ...mail, headers, messageId: `<${message.id}@${domain}>` }));
    },
  };
}

async function inTime(sending: Promise<unknown>): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new SendError('too-slow')), LIMIT);
  try {
    await Promise.race([sending, promise]);
  } catch (error) {
    throw asSendError(error);
  } finally {
    clearTimeout(timer);
  }
}

/** An address that the mail server refuses for good is not asked again; all else may be of today. */
function asSendError(cause: unknown): SendError {
  if (cause instanceof SendError) return cause;
  const { code, responseCode } = cause as { readonly code?: unknown; readonly responseCode?: unknown };
  const name = typeof code === 'string' && /^[A-Z]{1,20}$/.test(code) ? code : 'failed';
  const isFinal = name === 'EENVELOPE' && typeof responseCode === 'number' && responseCode >= 500;
  return new SendError(name, { isFinal, cause });
}
