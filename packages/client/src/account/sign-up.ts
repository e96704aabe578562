/** A new account on a server. The password stays here; what the server keeps of it helps nobody to guess it elsewhere. */
import { equalBytes, fromBase64Url, toBase64Url } from '@keephold/bytes';
import { type Argon2Cost, sha256 } from '@keephold/crypto';
import { OPAQUE_COST, startOpaqueRegistration } from '@keephold/crypto/opaque';
import { type AccountId, CustodyError, serverIdInput } from '@keephold/protocol';
import { encodeSignUpBody, routes } from '@keephold/protocol/http';
import { postBytes, postJson } from '../post.ts';

export interface SignUpWish {
  /** Empty where a server takes anybody. */
  readonly invitation: string;
  readonly name: string;
  readonly password: string;
  readonly cost?: Argon2Cost;
  readonly accountId: AccountId;
}

/** What the account is to be made with. */
export interface SignUpKeys {
  readonly serverId: Uint8Array;
  /** Both go into the genesis of the account. */
  readonly server: { readonly eventKey: Uint8Array; readonly opaqueKey: Uint8Array };
  /** Of the password. */
  readonly exportKey: Uint8Array;
  readonly cost: Argon2Cost;
}

export interface SignUpRecords {
  readonly keyring: Uint8Array;
  readonly keychain: readonly Uint8Array[];
  readonly slots: readonly { readonly slotId: Uint8Array; readonly record: Uint8Array }[];
  /** Which of the slots the password opens. */
  readonly passwordSlotId: Uint8Array;
  readonly recovery:
    | { readonly recoveryId: Uint8Array; readonly publicKey: Uint8Array; readonly slotId: Uint8Array }
    | undefined;
}

/**
 * `create` makes the account's records; nothing is stored before it answers.
 * @throws HttpError 'sign-up-refused' when invitation or name are not good; CustodyError 'refused' for a server that
 *   calls itself what it is not.
 */
export async function signUpOn(
  origin: string,
  wish: SignUpWish,
  create: (keys: SignUpKeys) => Promise<SignUpRecords>,
): Promise<void> {
  const { invitation, name, password, accountId, cost = OPAQUE_COST } = wish;
  const registration = await startOpaqueRegistration(password, cost);
  const request = toBase64Url(registration.request);
  const { answer } = await postJson(origin, routes.startSignUp, { invitation, request });
  const [serverId, eventKey] = [fromBase64Url(answer.serverId), fromBase64Url(answer.eventKey)];
  requireServerId(serverId, eventKey);
  const done = await registration.finish(fromBase64Url(answer.response), { accountId, serverId });
  const { exportKey, serverKey: opaqueKey } = done;
  const records = await create({ serverId, server: { eventKey, opaqueKey }, exportKey, cost });
  const { passwordSlotId, recovery, ...rest } = records;
  const head = {
    ...{ attemptId: answer.attemptId, invitation, name },
    ...{ record: toBase64Url(done.record), slotId: toBase64Url(passwordSlotId) },
    ...(recovery !== undefined && {
      recovery: {
        recoveryId: toBase64Url(recovery.recoveryId),
        publicKey: toBase64Url(recovery.publicKey),
        slotId: toBase64Url(recovery.slotId),
      },
    }),
  };
  await postBytes(origin, routes.finishSignUp, encodeSignUpBody({ head, ...rest }));
}

/** A server is named by the hash of its event key, which each account pins: no server can take the name of another. */
export function requireServerId(serverId: Uint8Array, eventKey: Uint8Array): void {
  if (equalBytes(sha256(...serverIdInput(eventKey)).slice(0, 16), serverId)) return;
  throw new CustodyError('refused', 'use server: its id is not that of its key');
}
