/**
 * Branded secret keys, so that a chain key cannot pass for a session key. A brand exists at compile time only;
 * `asKey` is the one way to give it to bytes from outside and checks their length.
 */

import { InvalidKeyError } from './errors.ts';

declare const brand: unique symbol;

/** Keys of format.md §2 and security.md §3. Each has 32 bytes. */
export type KeyName =
  | 'AccountRootKey'
  | 'SlotKey'
  | 'KeyringKey'
  | 'NamesKey'
  | 'LinkKey'
  | 'IdKey'
  | 'ChunkerKey'
  | 'IndexKey'
  | 'ChainKey'
  | 'SessionKey'
  | 'SnapshotKey'
  | 'PackKey'
  | 'MacKey'
  | 'FactorKey'
  | 'Ed25519Seed'
  | 'XWingSeed';

export type Key<Name extends KeyName> = Uint8Array<ArrayBuffer> & { readonly [brand]: Name };

export type AccountRootKey = Key<'AccountRootKey'>;
export type IdKey = Key<'IdKey'>;
export type ChunkerKey = Key<'ChunkerKey'>;
export type IndexKey = Key<'IndexKey'>;
export type ChainKey = Key<'ChainKey'>;
export type SessionKey = Key<'SessionKey'>;
export type SnapshotKey = Key<'SnapshotKey'>;
export type PackKey = Key<'PackKey'>;
/** Key-encryption key of a slot. */
export type SlotKey = Key<'SlotKey'>;
export type Ed25519Seed = Key<'Ed25519Seed'>;
export type XWingSeed = Key<'XWingSeed'>;
/** Keys that seal objects of keyKind 1 (security.md §3.1). */
export type SealingKey = Key<
  'IndexKey' | 'SnapshotKey' | 'KeyringKey' | 'NamesKey' | 'SlotKey' | 'LinkKey' | 'FactorKey'
>;

/** Gives `n` fresh random bytes. Passed in everywhere, so that tests are deterministic; `systemRandom` is the real one. */
export type RandomSource = (n: number) => Uint8Array;

export const KEY_LENGTH = 32;
export const ID_LENGTH = 16;

/**
 * Brands 32 bytes; shares their memory.
 * @throws InvalidKeyError when they are not 32.
 */
export function asKey<Name extends KeyName>(name: Name, bytes: Uint8Array): Key<Name> {
  requireLength(name, bytes, KEY_LENGTH);
  return bytes as Key<Name>;
}

/** @throws InvalidKeyError unless the bytes named `what` are exactly `length` long. */
export function requireLength(what: string, bytes: Uint8Array, length: number): void {
  if (bytes.length !== length) {
    throw new InvalidKeyError(`use ${what}: ${bytes.length} bytes, must be ${length}`);
  }
}
