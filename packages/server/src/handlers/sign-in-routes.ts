/** How an account begins, and how its owner signs in: nobody is known yet, so all of it is counted (security.md §5). */
import {
  type AccountsSurroundings,
  finishFactorSignIn,
  finishRecovery,
  finishSignIn,
  finishSignUp,
  type SignedIn,
  startRecovery,
  startSignIn,
  startSignUp,
} from '@keephold/accounts';
import { equalBytes, fromBase64Url, toBase64Url } from '@keephold/bytes';
import { decodeSignUpBody, routes, type SignUpBody, type schemas } from '@keephold/protocol/http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { readBody } from '../bodies/read-body.ts';
import { readJsonBody } from '../bodies/read-json.ts';
import type { AccountKeeper } from '../keeper.ts';
import type { ServedRoute } from '../serve-route.ts';
import type { KeychainAuthority } from '../sessions/keychain-authority.ts';

export interface SignInParts {
  readonly keeper: AccountKeeper;
  readonly authority: KeychainAuthority;
  readonly accounts: AccountsSurroundings;
}

export type SignInRoute =
  | 'startSignUp'
  | 'finishSignUp'
  | 'startSignIn'
  | 'finishSignIn'
  | 'finishFactorSignIn'
  | 'startRecovery'
  | 'finishRecovery';

export function signInRoutes(parts: SignInParts): Readonly<Record<SignInRoute, ServedRoute>> {
  const { accounts, keeper, authority } = parts;
  const opened = async (reply: FastifyReply, signedIn: SignedIn): Promise<FastifyReply> =>
    await reply.send(await authority.openUnlocked(signedIn, reply.request.ip));
  return {
    startSignUp: async ({ raw, ip: address }, reply) => {
      const { invitation, request } = await readJsonBody<schemas.SignUpStartBody>(raw, routes.startSignUp.body);
      return await reply.send(inText(await startSignUp(accounts, { invitation, request: bytes(request), address })));
    },
    finishSignUp: async (request, reply) => {
      await signUp(request, keeper, accounts);
      return await reply.code(204).send();
    },
    startSignIn: async ({ raw, ip: address }, reply) => {
      const { name, request } = await readJsonBody<schemas.SignInStartBody>(raw, routes.startSignIn.body);
      return await reply.send(inText(await startSignIn(accounts, { name, request: bytes(request), address })));
    },
    finishSignIn: async ({ raw, ip: address }, reply) => {
      const body = await readJsonBody<schemas.SignInFinishBody>(raw, routes.finishSignIn.body);
      const binding = { key: bytes(body.key), mac: bytes(body.mac) };
      const finish = { attemptId: bytes(body.attemptId), message: bytes(body.message), binding, address };
      const done = await finishSignIn(accounts, finish);
      return 'factorAttemptId' in done ? await reply.send(inText(done)) : await opened(reply, done);
    },
    finishFactorSignIn: async ({ raw, ip: address }, reply) => {
      const { attemptId, code } = await readJsonBody<schemas.FactorSignInBody>(raw, routes.finishFactorSignIn.body);
      return await opened(reply, await finishFactorSignIn(accounts, { attemptId: bytes(attemptId), code, address }));
    },
    startRecovery: async ({ raw, ip: address }, reply) => {
      const { recoveryId } = await readJsonBody<schemas.RecoveryStartBody>(raw, routes.startRecovery.body);
      return await reply.send(inText(await startRecovery(accounts, { recoveryId: bytes(recoveryId), address })));
    },
    finishRecovery: async ({ raw, ip: address }, reply) => {
      const body = await readJsonBody<schemas.RecoveryFinishBody>(raw, routes.finishRecovery.body);
      const { attemptId, time, key, signature } = body;
      const signed = { attemptId: bytes(attemptId), sessionKey: bytes(key), signature: bytes(signature) };
      return await opened(reply, await finishRecovery(accounts, { ...signed, time, address }));
    },
  };
}

async function signUp({ raw, ip: address }: FastifyRequest, keeper: AccountKeeper, accounts: AccountsSurroundings) {
  const body = await readBody(raw, routes.finishSignUp.body.limit);
  const { head, keyring, keychain, slots } = decodeSignUpBody(body.bytes);
  const { invitation, name } = head;
  const { passwordSlot, others } = splitSlots(slots, bytes(head.slotId));
  const password = { record: bytes(head.record), slotId: bytes(head.slotId), slot: passwordSlot };
  const { recovery } = head;
  const finish = {
    ...{ attemptId: bytes(head.attemptId), invitation, name, keychain, password, address },
    recovery: recovery && {
      recoveryId: bytes(recovery.recoveryId),
      publicKey: bytes(recovery.publicKey),
      slotId: bytes(recovery.slotId),
    },
  };
  await finishSignUp(accounts, finish, async (accountId) => {
    await keeper.create({ accountId, keychain, slots: others, keyring, grants: [] });
  });
}

interface SplitSlots {
  /** Empty when it is not there, which fits no keychain. */
  readonly passwordSlot: Uint8Array;
  readonly others: SignUpBody['slots'];
}

/** The slot of the password lies beside its record, the others with what is kept for the account. */
function splitSlots(slots: SignUpBody['slots'], passwordId: Uint8Array): SplitSlots {
  const isPassword = ({ slotId }: SignUpBody['slots'][number]): boolean => equalBytes(slotId, passwordId);
  return {
    passwordSlot: slots.find(isPassword)?.record ?? new Uint8Array(0),
    others: slots.filter((slot) => !isPassword(slot)),
  };
}

const bytes = fromBase64Url;

function inText<T extends { readonly [K in keyof T]: Uint8Array }>(answer: T): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries<Uint8Array>(answer).map(([name, value]) => [name, toBase64Url(value)]));
}
