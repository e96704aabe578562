/** The second factor of an account: adding one, taking it away. Whoever did it goes on, all other sessions end. */
import {
  type AccountsSurroundings,
  factorOf,
  finishFactor,
  removeFactor,
  renewRecoveryCodes,
  startFactor,
} from '@keephold/accounts';
import { fromBase64Url, toBase64Url } from '@keephold/bytes';
import type { schemas } from '@keephold/protocol/http';
import type { Authority } from '../authority.ts';
import { ServerError } from '../errors.ts';
import { EMPTY, type Handler, json } from './handler.ts';

export type FactorRoute = 'factor' | 'startFactor' | 'finishFactor' | 'renewRecoveryCodes' | 'removeFactor';

export function factorHandlers(
  authority: Authority,
  accounts: AccountsSurroundings,
): Readonly<Record<FactorRoute, Handler>> {
  return {
    factor: async ({ principal }) => {
      const { since, codesLeft } = await factorOf(accounts, principal.accountId);
      return json({ ...(since !== undefined && { since }), codesLeft });
    },
    startFactor: async ({ principal }) => {
      const { attemptId, secret, recoveryCodes } = await startFactor(accounts, principal.accountId);
      const answer = { attemptId: toBase64Url(attemptId), secret: toBase64Url(secret) };
      return json({ ...answer, recoveryCodes: recoveryCodes.map(toBase64Url) });
    },
    finishFactor: async ({ principal, json: body, address }) => {
      const { attemptId, code } = body as schemas.FactorBody;
      const { accountId } = principal;
      await finishFactor(accounts, { accountId, attemptId: fromBase64Url(attemptId), code, address });
      await authority.accountChanged(principal);
      return EMPTY;
    },
    renewRecoveryCodes: async ({ principal, address }) => {
      const codes = await renewRecoveryCodes(accounts, principal.accountId, address);
      if (codes === undefined) throw noFactor();
      return json({ recoveryCodes: codes.map(toBase64Url) });
    },
    removeFactor: async ({ principal, address }) => {
      if (!(await removeFactor(accounts, principal.accountId, address))) throw noFactor();
      await authority.accountChanged(principal);
      return EMPTY;
    },
  };
}

function noFactor(): ServerError {
  return new ServerError('not-found', 'the account has no second factor');
}
