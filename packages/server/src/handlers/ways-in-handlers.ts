/** Another password, other words: for an owner who has just signed in. */
import { type AccountsSurroundings, addRecovery, finishPasswordChange, startPasswordChange } from '@keephold/accounts';
import { fromBase64Url, toBase64Url } from '@keephold/bytes';
import type { schemas } from '@keephold/protocol/http';
import type { Authority } from '../authority.ts';
import { keychainOf } from './account-handlers.ts';
import { EMPTY, type Handler, json } from './handler.ts';

export type WaysInRoute = 'startPasswordChange' | 'finishPasswordChange' | 'addRecovery';

export function waysInHandlers(
  authority: Authority,
  accounts: AccountsSurroundings,
): Readonly<Record<WaysInRoute, Handler>> {
  return {
    startPasswordChange: async ({ principal, json: body }) => {
      const { request } = body as schemas.PasswordStartBody;
      const challenge = await startPasswordChange(accounts, principal.accountId, fromBase64Url(request));
      const { attemptId, response } = challenge;
      return json({ attemptId: toBase64Url(attemptId), response: toBase64Url(response) });
    },
    finishPasswordChange: async ({ principal, custody, json: body, address }) => {
      const { attemptId, record, slotId, slot } = body as schemas.PasswordFinishBody;
      await finishPasswordChange(accounts, {
        ...{ attemptId: fromBase64Url(attemptId), record: fromBase64Url(record) },
        ...{ slotId: fromBase64Url(slotId), slot: fromBase64Url(slot), keychain: await keychainOf(custody), address },
      });
      await authority.accountChanged(principal);
      return EMPTY;
    },
    addRecovery: async ({ custody, json: body }) => {
      const { recoveryId, publicKey, slotId } = body as schemas.RecoveryKeyBody;
      await addRecovery(accounts, await keychainOf(custody), {
        ...{
          recoveryId: fromBase64Url(recoveryId),
          publicKey: fromBase64Url(publicKey),
          slotId: fromBase64Url(slotId),
        },
      });
      return EMPTY;
    },
  };
}
