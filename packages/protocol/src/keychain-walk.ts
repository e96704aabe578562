/**
 * Walks the keychain log entry by entry (security.md §3.11): seq without gaps, hash chain, signature by who may sign,
 * then the rules of the entry. Whoever has walked to the end may believe the state; nothing else may be believed.
 */
import { equalBytes, toHex } from '@keephold/bytes';
import { ChainError, ForkError, MalformedRecordError, RollbackError } from './errors.ts';
import { HASH_LENGTH } from './id-from-bytes.ts';
import type { AccountId } from './ids.ts';
import { deviceCountersigningBody, type ParsedKeychainEntry, parseKeychainEntry } from './keychain-codec.ts';
import { type AddDeviceBody, type GenesisBody, type KeychainEntry, SIGNING_KEY_LENGTH } from './keychain-entry.ts';
import { keychainChange } from './keychain-rules.ts';
import { deviceRecord, type KeychainState } from './keychain-state.ts';
import type { RecordVerifier } from './record-verifier.ts';
import { deviceFingerprintInput, keychainHashInput, keychainSigningInput } from './signing-texts.ts';

const BUNDLE_VERSION = 1;

/** What a device has seen of a chain and never goes behind. */
export interface ChainPin {
  readonly seq: number;
  readonly hash: Uint8Array;
}

/**
 * State after genesis.
 * @throws MalformedRecordError, ChainError
 */
export function startKeychain(bytes: Uint8Array, verifier: RecordVerifier): KeychainState {
  const parsed = parseKeychainEntry(bytes);
  const { entry } = parsed;
  const { body, signer } = entry;
  if (entry.seq !== 0 || body.kind !== 'genesis') throw chainError('gap', entry, 'the log does not start with genesis');
  if (!equalBytes(entry.prevHash, new Uint8Array(HASH_LENGTH)))
    throw chainError('conflict', entry, 'something before it');
  if (signer.kind !== 'identity' || !equalBytes(signer.identityKey, body.identityKey)) {
    throw chainError('unauthorised', entry, 'genesis is not signed by its own identity key');
  }
  requireSignature(parsed, body.identityKey, verifier);
  return genesisState(entry.accountId, body, verifier.sha256(...keychainHashInput(bytes)));
}

/**
 * State after the next entry.
 * @throws MalformedRecordError on broken form; ForkError when it continues another history; ChainError otherwise.
 */
export function advanceKeychain(state: KeychainState, bytes: Uint8Array, verifier: RecordVerifier): KeychainState {
  const parsed = parseKeychainEntry(bytes);
  const { entry } = parsed;
  if (!equalBytes(entry.accountId, state.accountId)) throw chainError('conflict', entry, 'it is of another account');
  if (entry.seq !== state.seq + 1) throw chainError('gap', entry, `it follows entry ${state.seq}`);
  // The signature first: what is not signed proves no other history, it is damage.
  requireSignature(parsed, signingKey(state, entry), verifier);
  if (!equalBytes(entry.prevHash, state.hash)) {
    throw new ForkError(`read keychain entry ${entry.seq}: it continues another history`, bytes);
  }
  const { body } = entry;
  const fingerprint = body.kind === 'add-device' ? requireOwnBundle(entry, body, verifier) : undefined;
  const entryHash = verifier.sha256(...keychainHashInput(bytes));
  return {
    ...state,
    ...keychainChange(state, { entry, entryHash, fingerprint }),
    seq: entry.seq,
    hash: entryHash,
    entryHashes: [...state.entryHashes, entryHash],
  };
}

/** Walks a whole log from genesis. */
export function walkKeychain(entries: readonly Uint8Array[], verifier: RecordVerifier): KeychainState {
  const [genesis, ...rest] = entries;
  if (genesis === undefined) throw new ChainError('gap', 'read keychain: there is no entry');
  return rest.reduce((state, bytes) => advanceKeychain(state, bytes, verifier), startKeychain(genesis, verifier));
}

/**
 * Compares a walked log with what this device saw before.
 * @throws RollbackError when the log is shorter, ForkError when it is another.
 */
export function requireKeychainPin(state: KeychainState, pin: ChainPin): void {
  if (state.seq < pin.seq) {
    throw new RollbackError(`read keychain: it ends at entry ${state.seq}, this device has seen ${pin.seq}`);
  }
  if (!equalBytes(state.entryHashes[pin.seq] as Uint8Array, pin.hash)) {
    throw new ForkError(`read keychain: entry ${pin.seq} is not the one this device has seen`);
  }
}

function genesisState(accountId: AccountId, body: GenesisBody, hash: Uint8Array): KeychainState {
  return {
    accountId,
    seq: 0,
    hash,
    entryHashes: [hash],
    identityKey: body.identityKey,
    exchangeKey: body.exchangeKey,
    eventKey: body.eventKey,
    opaqueKey: body.opaqueKey,
    devices: new Map(),
    vaults: new Map(),
    slots: new Map(),
    grants: new Map(),
    deleteRequests: [],
    healApprovals: [],
  };
}

/** Everything needs the identity key, but any device that may act can cancel a delete. */
function signingKey(state: KeychainState, entry: KeychainEntry): Uint8Array {
  const { signer, body } = entry;
  if (signer.kind === 'identity') {
    if (equalBytes(signer.identityKey, state.identityKey)) return state.identityKey;
    throw chainError('unauthorised', entry, 'it is signed by a key that is not the identity key');
  }
  const device = deviceRecord(state, signer.deviceId);
  if (body.kind === 'cancel-request' && device !== undefined && device.revokedSeq === undefined) {
    return device.signingKey;
  }
  throw chainError('unauthorised', entry, `a device (${toHex(signer.deviceId)}) may not sign it`);
}

/** The fingerprint of the bundle, after the device's own signature on it was checked. */
function requireOwnBundle(entry: KeychainEntry, body: AddDeviceBody, verifier: RecordVerifier): Uint8Array {
  if (body.bundle[0] !== BUNDLE_VERSION)
    throw new MalformedRecordError('read keychain: device bundle is not version 1');
  const message = keychainSigningInput(deviceCountersigningBody(entry.accountId, body));
  const publicKey = body.bundle.subarray(1, 1 + SIGNING_KEY_LENGTH);
  if (!verifier.verify({ publicKey, message, signature: body.countersignature })) {
    throw chainError('bad-signature', entry, 'the device did not sign its addition');
  }
  return verifier.sha256(...deviceFingerprintInput(body.bundle));
}

function requireSignature(parsed: ParsedKeychainEntry, publicKey: Uint8Array, verifier: RecordVerifier): void {
  if (verifier.verify({ publicKey, message: keychainSigningInput(parsed.body), signature: parsed.signature })) return;
  throw chainError('bad-signature', parsed.entry, 'the signature is wrong');
}

function chainError(code: ChainError['code'], entry: KeychainEntry, cause: string): ChainError {
  return new ChainError(code, `read keychain entry ${entry.seq} (${entry.body.kind}): ${cause}`);
}
