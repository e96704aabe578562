/**
 * OPAQUE (RFC 9807), the side of the one who knows the password (security.md §3.6). The server never sees the password
 * nor anything that it could compare guesses with faster than Argon2id allows. Randomness is the library's own.
 */
import type { Argon2Cost } from '#primitives/argon2';
import { requireAcceptableCost } from '../argon2id.ts';
import { CryptoError } from '../errors.ts';
import { expand } from '../expand.ts';
import { hmacSha256 } from '../hmac-sha256.ts';
import { label } from '../label.ts';
import { asBytes, asText, identifiersOf, loadOpaque, type OpaqueParties } from './library.ts';

/** 128 MiB, 3 passes, one lane, because WebAssembly in a browser has one thread: about a second. */
export const OPAQUE_COST: Argon2Cost = { memoryKiB: 131_072, passes: 3, lanes: 1 };

export interface OpaqueRegistration {
  /** To the server. */
  readonly request: Uint8Array;
  /** @throws CryptoError `opaque-failed` when the answer is none. */
  finish(response: Uint8Array, parties: OpaqueParties): Promise<OpaqueRegistered>;
}

export interface OpaqueRegistered {
  /** To the server, which keeps it. */
  readonly record: Uint8Array;
  /** 64 bytes that only the password gives: never leave the device. */
  readonly exportKey: Uint8Array;
  /** The server's public key, to be compared with the one that is known. */
  readonly serverKey: Uint8Array;
}

export interface OpaqueLogin {
  readonly request: Uint8Array;
  /** Undefined: wrong password, or no such account; nobody can tell which. */
  finish(response: Uint8Array, parties: OpaqueParties): Promise<OpaqueLoggedIn | undefined>;
}

export interface OpaqueLoggedIn extends Omit<OpaqueRegistered, 'record'> {
  /** To the server, only after `serverKey` was compared. */
  readonly message: Uint8Array;
  readonly sessionKey: Uint8Array;
}

/** Costs other than the default are for tests; readers refuse what is too cheap. */
export async function startOpaqueRegistration(
  password: string,
  cost: Argon2Cost = OPAQUE_COST,
): Promise<OpaqueRegistration> {
  const keyStretching = stretching(cost);
  const { client } = await loadOpaque();
  const secret = password.normalize('NFKC');
  const { clientRegistrationState, registrationRequest } = client.startRegistration({ password: secret });
  return {
    request: asBytes(registrationRequest),
    finish: async (response, parties) => {
      const done = orFailed(() =>
        client.finishRegistration({
          password: secret,
          clientRegistrationState,
          registrationResponse: asText(response),
          identifiers: identifiersOf(parties),
          keyStretching,
        }),
      );
      return {
        record: asBytes(done.registrationRecord),
        exportKey: asBytes(done.exportKey),
        serverKey: asBytes(done.serverStaticPublicKey),
      };
    },
  };
}

export async function startOpaqueLogin(password: string, cost: Argon2Cost = OPAQUE_COST): Promise<OpaqueLogin> {
  const keyStretching = stretching(cost);
  const { client } = await loadOpaque();
  const secret = password.normalize('NFKC');
  const { clientLoginState, startLoginRequest } = client.startLogin({ password: secret });
  return {
    request: asBytes(startLoginRequest),
    finish: async (response, parties) => {
      const done = orFailed(() =>
        client.finishLogin({
          password: secret,
          clientLoginState,
          loginResponse: asText(response),
          identifiers: identifiersOf(parties),
          keyStretching,
        }),
      );
      if (done === undefined) return undefined;
      return {
        message: asBytes(done.finishLoginRequest),
        exportKey: asBytes(done.exportKey),
        sessionKey: asBytes(done.sessionKey),
        serverKey: asBytes(done.serverStaticPublicKey),
      };
    },
  };
}

/** MAC that ties a key to a login: HMAC(Expand(session key, LBL("session/bind") ‖ server id, 32), key), security.md §5. */
export function bindToSession(sessionKey: Uint8Array, serverId: Uint8Array, key: Uint8Array): Uint8Array<ArrayBuffer> {
  const info = new Uint8Array([...label('session/bind'), ...serverId]);
  return hmacSha256(expand(sessionKey, info, 32), key);
}

function stretching(cost: Argon2Cost): {
  'argon2id-custom': { memory: number; iterations: number; parallelism: number };
} {
  requireAcceptableCost(cost);
  return { 'argon2id-custom': { memory: cost.memoryKiB, iterations: cost.passes, parallelism: cost.lanes } };
}

/** The library's messages are not passed on: they quote what they were given. */
function orFailed<T>(step: () => T): T {
  try {
    return step();
  } catch {
    throw new CryptoError('opaque-failed', 'use password with the server: its answer makes no sense');
  }
}
