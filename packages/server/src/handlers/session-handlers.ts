/** The sessions of an account that a password or the words have opened: which there are, and ending one. */
import { type AccountsSurroundings, endSession, openSessions } from '@keephold/accounts';
import { equalBytes, fromHex, toBase64Url } from '@keephold/bytes';
import { ServerError } from '../errors.ts';
import { type Call, EMPTY, type Handler, json } from './handler.ts';

export type SessionRoute = 'sessions' | 'endSession';

export function sessionHandlers(accounts: AccountsSurroundings): Readonly<Record<SessionRoute, Handler>> {
  return {
    sessions: async ({ principal }) => {
      const own = principal.sessionId;
      const open = await openSessions(accounts, principal.accountId);
      const sessions = open.map(({ sessionId, ipPrefix: from, ...times }) => ({
        ...{ id: toBase64Url(sessionId), from, ...times },
        isThis: own !== undefined && equalBytes(sessionId, own),
      }));
      return json({ sessions });
    },
    endSession: async ({ principal, params, address }: Call) => {
      const { accountId } = principal;
      const sessionId = fromHex(String(params['session']));
      if (await endSession(accounts, { accountId, sessionId, address })) return EMPTY;
      throw new ServerError('not-found', 'the account has no such session');
    },
  };
}
