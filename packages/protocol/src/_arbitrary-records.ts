/** Arbitrary valid records for property tests, and every one-field damage of a record. */
import { type CborKey, type CborValue, decodeCbor, encodeCbor, toHex } from '@keephold/bytes';
import fc from 'fast-check';
import type { KeychainBody, KeychainEntry } from './keychain-entry.ts';

export function arbitraryBytes(length: number): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ minLength: length, maxLength: length });
}

export function arbitraryIds(length: number, minimum = 0): fc.Arbitrary<Uint8Array[]> {
  return fc.uniqueArray(arbitraryBytes(length), { minLength: minimum, maxLength: minimum + 3, selector: toHex });
}

const id = arbitraryBytes(16);
const hash = arbitraryBytes(32);
const exchangeKey = arbitraryBytes(1216);
const grants = arbitraryIds(32);
const days = fc.integer({ min: 0, max: 36_500 });
const seconds = fc.integer({ min: 0, max: 2 ** 35 });
const ascending = fc.uniqueArray(fc.nat(), { minLength: 1, maxLength: 4 }).map((seqs) => seqs.sort((a, b) => a - b));
const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });
const role = fc.constantFrom('backup-only', 'trusted');
const method = fc.constantFrom('opaque', 'passkey', 'words', 'contacts', 'local-password', 'keystore');
const policy = fc.record({
  windowDays: days,
  trashDays: days,
  dailyDays: days,
  weeklyWeeks: days,
  monthlyMonths: days,
});
const body = <K extends KeychainBody['kind']>(kind: K, fields: Record<string, fc.Arbitrary<unknown>>) =>
  fc.record({ kind: fc.constant(kind), ...fields });

/** One of every kind. */
export const arbitraryBodies: readonly fc.Arbitrary<KeychainBody>[] = [
  body('genesis', { identityKey: hash, exchangeKey, eventKey: optional(hash), opaqueKey: optional(hash) }),
  body('add-device', {
    bundle: arbitraryBytes(1249),
    role,
    vaults: arbitraryIds(16),
    grants,
    sealedName: optional(fc.uint8Array({ maxLength: 500 })),
    countersignature: arbitraryBytes(64),
  }),
  body('create-vault', {
    vaultId: id,
    chunker: fc.constant(1),
    policy,
    readKey: exchangeKey,
    sealedName: optional(fc.uint8Array({ maxLength: 500 })),
  }),
  body('revoke-device', { deviceId: id }),
  body('compromised-since', { deviceId: id, since: seconds }),
  body('set-role', { deviceId: id, role, grants }),
  body('trust-dedup', { deviceId: id, trusted: arbitraryIds(16) }),
  body('rotate-epoch', { vaultId: id, epoch: fc.integer({ min: 1, max: 9 }), readKey: exchangeKey, grants }),
  body('set-policy', { vaultId: id, policy }),
  body('add-slot', { slotId: id, method, recordHash: hash }),
  body('remove-slot', { slotId: id }),
  body('delete-request', { vaultId: id, snapshots: ascending }),
  body('cancel-request', { request: fc.integer({ min: 1, max: 2 ** 40 }) }),
  body('rotate-aik', { identityKey: hash, exchangeKey }),
  body('recovered', { method, generation: fc.nat() }),
  body('min-version', { version: fc.integer({ min: 1, max: 100 }) }),
  body('approve-heal', { vaultId: id, snapshot: fc.integer({ min: 1, max: 2 ** 40 }), deviceId: id }),
  body('release-hold', { vaultId: id }),
  body('rename-device', { deviceId: id, sealedName: fc.uint8Array({ maxLength: 500 }) }),
  body('lend-read', { vaultId: id, deviceId: id, grant: hash, until: seconds }),
] as unknown as readonly fc.Arbitrary<KeychainBody>[];

export function arbitraryEntry(bodyOf: fc.Arbitrary<KeychainBody>): fc.Arbitrary<KeychainEntry> {
  return fc.record({
    accountId: id,
    seq: fc.nat(),
    prevHash: hash,
    time: seconds,
    signer: fc.oneof(
      fc.record({ kind: fc.constant('identity'), identityKey: hash }),
      fc.record({ kind: fc.constant('device'), deviceId: id }),
    ),
    body: bodyOf,
  }) as unknown as fc.Arbitrary<KeychainEntry>;
}

export function decodeMap(bytes: Uint8Array): Map<CborKey, CborValue> {
  return decodeCbor(bytes) as Map<CborKey, CborValue>;
}

/** The map with each field in turn given a value of every wrong kind, and with a foreign key. Absence is not covered. */
export function damagedMaps(map: ReadonlyMap<CborKey, CborValue>): Map<CborKey, CborValue>[] {
  const wrong: CborValue[] = ['text', -1, new Uint8Array(7), [], ['text'], new Map(), 2n ** 64n - 1n];
  const damaged = [...map.keys()].flatMap((key) => wrong.map((value) => new Map(map).set(key, value)));
  return [...damaged, new Map(map).set(23, 0)];
}

/** As `damagedMaps`, for the map at `key` inside the record; answers whole records. */
export function damagedInside(bytes: Uint8Array, key: number): Uint8Array[] {
  const map = decodeMap(bytes);
  return damagedMaps(map.get(key) as Map<CborKey, CborValue>).map((inner) => encodeCbor(new Map(map).set(key, inner)));
}
