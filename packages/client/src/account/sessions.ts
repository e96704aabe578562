/** The sessions of an account that a password or the words have opened, wherever. */
import { fromBase64Url, toHex } from '@keephold/bytes';
import { routes } from '@keephold/protocol/http';
import { readChecked, readNothing } from '../read-response.ts';
import type { Answer } from '../send.ts';
import type { Transport } from '../transport.ts';

export interface AccountSession {
  readonly sessionId: Uint8Array;
  readonly method: 'password' | 'words';
  /** By the server's clock, unix milliseconds. */
  readonly openedAt: number;
  readonly expiresAt: number;
  /** The beginning of an address. */
  readonly from: string;
  /** The one of this transport. */
  readonly isThis: boolean;
}

/** Oldest first. */
export async function sessionsOf(transport: Transport): Promise<readonly AccountSession[]> {
  const { answer } = routes.sessions;
  const answered = await transport.call({
    route: routes.sessions,
    read: async (response: Answer) => await readChecked(response, answer.schema),
  });
  return (answered?.sessions ?? []).map(({ id, ...session }) => ({ sessionId: fromBase64Url(id), ...session }));
}

/** At once, at every process of the server. @throws HttpError 'not-found' when it is over already */
export async function endSessionOn(transport: Transport, sessionId: Uint8Array): Promise<void> {
  const params = { session: toHex(sessionId) };
  await transport.call({ route: routes.endSession, params, read: readNothing });
}
