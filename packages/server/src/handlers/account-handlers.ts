/** Account records over HTTP. */
import { fromHex, toBase64Url } from '@keephold/bytes';
import { asObjectName } from '@keephold/protocol';
import type { Authority } from '../authority.ts';
import { bytesOrAbsent, type Call, EMPTY, frames, type Handler, json } from './handler.ts';

export type AccountRoute =
  | 'account'
  | 'keychain'
  | 'appendKeychain'
  | 'slots'
  | 'putSlot'
  | 'removeSlot'
  | 'keyring'
  | 'putKeyring'
  | 'grant'
  | 'putGrant';

export function accountHandlers(authority: Authority): Readonly<Record<AccountRoute, Handler>> {
  return {
    account: async ({ principal, custody }) =>
      json({
        accountId: toBase64Url(principal.accountId),
        writerCanDestroy: principal.role === 'unlocked' && custody.properties.writerCanDestroy,
      }),
    keychain: async ({ custody, query }) => frames(await custody.keychain(query['from'] ?? 0)),
    appendKeychain: async ({ custody, bytes, principal }) => {
      const outcome = await custody.appendKeychain(bytes);
      authority.accountChanged(principal.accountId);
      return json({ outcome });
    },
    slots: async ({ custody }) => frames(await custody.slots()),
    putSlot: async (call) => {
      await call.custody.putSlot(slotOf(call), call.bytes);
      return EMPTY;
    },
    removeSlot: async (call) => {
      await call.custody.removeSlot(slotOf(call));
      return EMPTY;
    },
    keyring: async ({ custody }) => bytesOrAbsent(await custody.keyring()),
    putKeyring: async ({ custody, bytes }) => {
      await custody.putKeyring(bytes);
      return EMPTY;
    },
    grant: async (call) => bytesOrAbsent(await call.custody.grant(grantOf(call))),
    putGrant: async (call) => {
      await call.custody.putGrant(grantOf(call), call.bytes);
      return EMPTY;
    },
  };
}

function slotOf({ params }: Call): Uint8Array {
  return fromHex(String(params['slot']));
}

function grantOf({ params }: Call): ReturnType<typeof asObjectName> {
  return asObjectName(fromHex(String(params['grant'])));
}
