/** Turns outside bytes into the branded ids of ids.ts, after checking the one thing that can be checked: the length. */
import { MalformedRecordError } from './errors.ts';
import type { AccountId, CommitHash, DeviceId, ObjectName, PackId, SessionId, StreamId, VaultId } from './ids.ts';

/** Length of the ids of accounts, vaults, devices, streams, sessions and slots. */
export const ID_LENGTH = 16;
/** Length of every name that is a SHA-256: packs, objects, commits, keychain entries. */
export const HASH_LENGTH = 32;

function checked(bytes: Uint8Array, length: number, what: string): Uint8Array {
  if (bytes.length === length) return bytes;
  throw new MalformedRecordError(`read ${what}: ${bytes.length} bytes where ${length} belong`);
}

/** @throws MalformedRecordError unless 16 bytes; so do all functions here, each for its length. */
export function asAccountId(bytes: Uint8Array): AccountId {
  return checked(bytes, ID_LENGTH, 'account id') as AccountId;
}

export function asVaultId(bytes: Uint8Array): VaultId {
  return checked(bytes, ID_LENGTH, 'vault id') as VaultId;
}

export function asDeviceId(bytes: Uint8Array): DeviceId {
  return checked(bytes, ID_LENGTH, 'device id') as DeviceId;
}

export function asStreamId(bytes: Uint8Array): StreamId {
  return checked(bytes, ID_LENGTH, 'stream id') as StreamId;
}

export function asSessionId(bytes: Uint8Array): SessionId {
  return checked(bytes, ID_LENGTH, 'session id') as SessionId;
}

export function asPackId(bytes: Uint8Array): PackId {
  return checked(bytes, HASH_LENGTH, 'pack id') as PackId;
}

export function asObjectName(bytes: Uint8Array): ObjectName {
  return checked(bytes, HASH_LENGTH, 'object name') as ObjectName;
}

export function asCommitHash(bytes: Uint8Array): CommitHash {
  return checked(bytes, HASH_LENGTH, 'commit hash') as CommitHash;
}
