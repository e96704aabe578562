/** Appending to the keychain log: sign on top of the last entry, and again when another writer was first. */
import { type Ed25519KeyPair, sign } from '@keephold/crypto';
import {
  type AccountCustody,
  advanceKeychain,
  ChainError,
  encodeKeychainEntry,
  joinSigned,
  type KeychainBody,
  type KeychainEntry,
  type KeychainState,
  keychainSigningInput,
  startKeychain,
} from '@keephold/protocol';
import { recordVerifier } from './record-verifier.ts';

/** Losing this often in a row means that something else is wrong. */
const MAX_ATTEMPTS = 16;
const NO_HASH = new Uint8Array(32);

/** The bytes of an entry, signed by the identity key. */
export function signKeychainEntry(entry: Omit<KeychainEntry, 'signer'>, identity: Ed25519KeyPair): Uint8Array {
  const body = encodeKeychainEntry({ ...entry, signer: { kind: 'identity', identityKey: identity.publicKey } });
  return joinSigned(body, sign(identity.seed, keychainSigningInput(body)));
}

/** A log under construction, before there is a custody. */
export class NewKeychain {
  readonly entries: Uint8Array[] = [];
  readonly #identity: Ed25519KeyPair;
  readonly #time: number;
  #state: KeychainState | undefined;

  /** `now`: unix milliseconds. */
  constructor(identity: Ed25519KeyPair, now: number) {
    this.#identity = identity;
    this.#time = Math.floor(now / 1000);
  }

  append(accountId: KeychainEntry['accountId'], body: KeychainBody): KeychainState {
    const seq = this.entries.length;
    const entry = { accountId, seq, prevHash: this.#state?.hash ?? NO_HASH, time: this.#time, body };
    const bytes = signKeychainEntry(entry, this.#identity);
    // Walking what was just made finds a mistake before anyone relies on it.
    this.#state =
      this.#state === undefined
        ? startKeychain(bytes, recordVerifier)
        : advanceKeychain(this.#state, bytes, recordVerifier);
    this.entries.push(bytes);
    return this.#state;
  }
}

export interface AppendOptions {
  readonly custody: Pick<AccountCustody, 'keychain' | 'appendKeychain'>;
  readonly keychain: KeychainState;
  readonly identity: Ed25519KeyPair;
  /** Unix milliseconds. */
  readonly now: number;
}

/**
 * Appends an entry and answers the state after it, entries of others that came first included.
 * @throws ChainError when the entry contradicts the log as it is now.
 */
export async function appendToKeychain(options: AppendOptions, body: KeychainBody): Promise<KeychainState> {
  let state = options.keychain;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const next = await tryAppend({ ...options, keychain: state }, body);
    if (next !== undefined) return next;
    state = await refreshKeychain(options.custody, state);
  }
  throw new ChainError('conflict', `append to keychain: others were first ${MAX_ATTEMPTS} times`);
}

/**
 * Appends an entry to exactly the log that is known; undefined when another entry came first.
 * @throws ChainError when the entry contradicts the log.
 */
export async function tryAppend(options: AppendOptions, body: KeychainBody): Promise<KeychainState | undefined> {
  const { custody, identity, keychain } = options;
  const { accountId, seq, hash } = keychain;
  const time = Math.floor(options.now / 1000);
  const bytes = signKeychainEntry({ accountId, seq: seq + 1, prevHash: hash, time, body }, identity);
  const next = advanceKeychain(keychain, bytes, recordVerifier);
  return (await custody.appendKeychain(bytes)) === 'appended' ? next : undefined;
}

/** Walks the entries after those known. */
export async function refreshKeychain(
  custody: Pick<AccountCustody, 'keychain'>,
  state: KeychainState,
): Promise<KeychainState> {
  const entries = await custody.keychain(state.seq + 1);
  return entries.reduce((known, bytes) => advanceKeychain(known, bytes, recordVerifier), state);
}
