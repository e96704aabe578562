/** Changing the ways in of an account on a server, for who has just signed in. */
import { fromBase64Url, toBase64Url, utf8Encode } from '@keephold/bytes';
import { type Argon2Cost } from '@keephold/crypto';
import { OPAQUE_COST, startOpaqueRegistration } from '@keephold/crypto/opaque';
import { routes } from '@keephold/protocol/http';
import { readChecked, readNothing } from '../read-response.ts';
import type { Transport } from '../transport.ts';

export interface NewPassword {
  readonly password: string;
  readonly serverId: Uint8Array;
  readonly cost?: Argon2Cost;
}

export interface RegisteredPassword {
  readonly exportKey: Uint8Array;
  readonly cost: Argon2Cost;
  /** Puts it in place of the old one, with its slot, which the keychain names by then. */
  readonly replace: (slot: { readonly slotId: Uint8Array; readonly record: Uint8Array }) => Promise<void>;
}

export async function registerPassword(transport: Transport, wish: NewPassword): Promise<RegisteredPassword> {
  const { password, serverId, cost = OPAQUE_COST } = wish;
  const registration = await startOpaqueRegistration(password, cost);
  const challenge = await transport.call({
    route: routes.startPasswordChange,
    body: json({ request: toBase64Url(registration.request) }),
    read: async (response) => await readChecked(response, routes.startPasswordChange.answer.schema),
  });
  const { attemptId, response } = challenge as NonNullable<typeof challenge>;
  const parties = { accountId: transport.accountId, serverId };
  const { record, exportKey } = await registration.finish(fromBase64Url(response), parties);
  const replace: RegisteredPassword['replace'] = async (slot) => {
    const body = {
      ...{ attemptId, record: toBase64Url(record) },
      ...{ slotId: toBase64Url(slot.slotId), slot: toBase64Url(slot.record) },
    };
    await transport.call({ route: routes.finishPasswordChange, body: json(body), read: readNothing });
  };
  return { exportKey, cost, replace };
}

export interface RecoveryKey {
  readonly recoveryId: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly slotId: Uint8Array;
}

export async function addRecoveryKey(transport: Transport, key: RecoveryKey): Promise<void> {
  const body = json({
    recoveryId: toBase64Url(key.recoveryId),
    publicKey: toBase64Url(key.publicKey),
    slotId: toBase64Url(key.slotId),
  });
  await transport.call({ route: routes.addRecovery, body, read: readNothing });
}

function json(value: object): Uint8Array {
  return utf8Encode(JSON.stringify(value));
}
