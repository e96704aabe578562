/** Carries the messages of pairing: the app's by its unlocked session, the device's by the id of the ticket alone. */
import { toHex } from '@keephold/bytes';
import { type Route, routes } from '@keephold/protocol/http';
import { networkError, problemError } from '../errors.ts';
import { readBytes, readChecked, readNothing } from '../read-response.ts';
import { type Answer, sendByFetch } from '../send.ts';
import type { Transport } from '../transport.ts';

type Message = 'offer' | 'draft' | 'answer' | 'heads';

export interface PairingMailbox {
  send(message: Message, bytes: Uint8Array): Promise<void>;
  /** Undefined while it has not been sent. */
  read(message: Message): Promise<Uint8Array | undefined>;
}

const LONGEST_MESSAGE = 8192;
const LIMIT = 60_000;
const NO_HEADERS = {};
const BYTES = { 'content-type': 'application/octet-stream' };

export interface AppMailbox extends PairingMailbox {
  /** Unix milliseconds, by the server's clock. */
  readonly expiresAt: number;
}

/** @throws HttpError 'refused' when too many tickets are open. */
export async function openAppMailbox(transport: Transport, ticketId: Uint8Array): Promise<AppMailbox> {
  const ticket = toHex(ticketId);
  const { answer } = routes.openPairing;
  const read = async (response: Answer): Promise<{ readonly expiresAt: number }> =>
    await readChecked(response, answer.schema);
  const opened = await transport.call({ route: routes.openPairing, params: { ticket }, read });
  const readMessage = async (response: Answer): Promise<Uint8Array> => await readBytes(response, LONGEST_MESSAGE);
  return {
    expiresAt: opened?.expiresAt ?? 0,
    send: async (message, body) => {
      const params = { ticket, message };
      await transport.call({
        route: routes.sendAsApp,
        params,
        body,
        read: readNothing,
      });
    },
    read: async (message) =>
      await transport.call({ route: routes.readAsApp, params: { ticket, message }, read: readMessage }),
  };
}

export function deviceMailbox(origin: string, ticketId: Uint8Array): PairingMailbox {
  const ask = async (route: Route, message: Message, body?: Uint8Array): Promise<Answer> => {
    const path = route.path.replace(':ticket', toHex(ticketId)).replace(':message', message);
    const { method } = route;
    const signal = AbortSignal.timeout(LIMIT);
    const headers = body === undefined ? NO_HEADERS : BYTES;
    return await sendByFetch({ url: origin + path, method, headers, body, signal }).catch((cause: unknown) => {
      throw networkError('pair device', new URL(origin).host, cause);
    });
  };
  return {
    send: async (message, bytes) => {
      const response = await ask(routes.sendAsDevice, message, bytes);
      if (!response.ok) throw await problemError('pair device', response);
    },
    read: async (message) => {
      const response = await ask(routes.readAsDevice, message);
      if (response.status === 404) return undefined;
      if (!response.ok) throw await problemError('pair device', response);
      return await readBytes(response, LONGEST_MESSAGE);
    },
  };
}
