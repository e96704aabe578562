/**
 * OPAQUE (RFC 9807), the server's side (security.md §3.6). Keepers are handed an `OpaqueServer` by the app: they never
 * see the setup, nor import anything that takes a secret.
 */
import { equalConstantTime } from '../equal-constant-time.ts';
import { CryptoError } from '../errors.ts';
import { bindToSession } from './client.ts';
import { asBytes, asText, identifiersOf, loadOpaque, type OpaqueLibrary, type OpaqueParties } from './library.ts';

export interface StartLogin {
  /** Under which the record was registered; for an account that is not there any that stays the same. */
  readonly credentialId: Uint8Array;
  /** Undefined makes an answer that no password fits, in the same time. */
  readonly record: Uint8Array | undefined;
  readonly request: Uint8Array;
  readonly parties: OpaqueParties;
}

export interface FinishLogin {
  readonly state: Uint8Array;
  readonly message: Uint8Array;
  readonly parties: OpaqueParties;
  /** A public key the client wants to use from now on, and its proof that it was this login's. */
  readonly binding: { readonly key: Uint8Array; readonly mac: Uint8Array };
}

/** A new setup: losing it kills every password login, leaking it with the records permits guessing. */
export async function createOpaqueSetup(): Promise<Uint8Array> {
  return asBytes((await loadOpaque()).server.createSetup());
}

export class OpaqueServer {
  /** 32 bytes; in every account's genesis. */
  readonly publicKey: Uint8Array;
  readonly #setup: string;
  readonly #library: OpaqueLibrary['server'];

  private constructor(library: OpaqueLibrary['server'], setup: string) {
    this.#library = library;
    this.#setup = setup;
    this.publicKey = asBytes(library.getPublicKey(setup));
  }

  /** @throws CryptoError `opaque-failed` when the bytes are no setup. */
  static async open(setup: Uint8Array): Promise<OpaqueServer> {
    const { server } = await loadOpaque();
    return orFailed(() => new OpaqueServer(server, asText(setup)), 'open the OPAQUE setup: it is damaged');
  }

  /** @throws CryptoError `opaque-failed` when the request is none. */
  register(credentialId: Uint8Array, request: Uint8Array): Uint8Array {
    return orFailed(() => {
      const { registrationResponse } = this.#library.createRegistrationResponse({
        serverSetup: this.#setup,
        userIdentifier: asText(credentialId),
        registrationRequest: asText(request),
      });
      return asBytes(registrationResponse);
    }, 'register password: the request makes no sense');
  }

  /** @throws CryptoError `opaque-failed` when the request is none. */
  startLogin(options: StartLogin): { readonly state: Uint8Array; readonly response: Uint8Array } {
    return orFailed(() => {
      const { serverLoginState, loginResponse } = this.#library.startLogin({
        serverSetup: this.#setup,
        userIdentifier: asText(options.credentialId),
        registrationRecord: options.record === undefined ? null : asText(options.record),
        startLoginRequest: asText(options.request),
        identifiers: identifiersOf(options.parties),
      });
      return { state: asBytes(serverLoginState), response: asBytes(loginResponse) };
    }, 'start login: the request makes no sense');
  }

  /** Whether the password was right and the key is bound to this login; why not is nobody's business. */
  finishLogin({ state, message, parties, binding }: FinishLogin): boolean {
    try {
      const { sessionKey } = this.#library.finishLogin({
        serverLoginState: asText(state),
        finishLoginRequest: asText(message),
        identifiers: identifiersOf(parties),
      });
      const expected = bindToSession(asBytes(sessionKey), parties.serverId, binding.key);
      return equalConstantTime(expected, binding.mac);
    } catch {
      return false;
    }
  }
}

function orFailed<T>(step: () => T, message: string): T {
  try {
    return step();
  } catch {
    throw new CryptoError('opaque-failed', message);
  }
}
