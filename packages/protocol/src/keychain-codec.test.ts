import { encodeCbor, toHex } from '@keephold/bytes';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  arbitraryBodies,
  arbitraryBytes,
  arbitraryEntry,
  damagedInside,
  damagedMaps,
  decodeMap,
} from './_arbitrary-records.ts';
import { ChainError, MalformedRecordError } from './errors.ts';
import { encodeKeychainEntry, parseKeychainEntry } from './keychain-codec.ts';
import type { KeychainBody, KeychainEntry } from './keychain-entry.ts';
import { joinSigned } from './signed-record.ts';

const unsigned = (body: Uint8Array): Uint8Array => joinSigned(body, new Uint8Array(64));
const sampleOf = (arbitrary: (typeof arbitraryBodies)[number]): KeychainEntry =>
  fc.sample(arbitraryEntry(arbitrary), { numRuns: 1, seed: 3 })[0] as KeychainEntry;

function expectRefused(bytes: Uint8Array): void {
  let error: unknown;
  try {
    parseKeychainEntry(bytes);
  } catch (thrown) {
    error = thrown;
  }
  const typed =
    error instanceof MalformedRecordError || (error instanceof ChainError && error.code === 'newer-version');
  expect(typed, `accepted, or threw ${String(error)}`).toBe(true);
}

/** Whether only the bytes of a name that must be there are others. */
function isOtherName(body: KeychainBody, bytes: Uint8Array): boolean {
  if (body.kind !== 'rename-device') return false;
  const fields = decodeMap(bytes).get(6) as ReadonlyMap<number, unknown>;
  return (
    fields.get(0) instanceof Uint8Array &&
    toHex(fields.get(0) as Uint8Array) === toHex(body.deviceId) &&
    fields.get(1) instanceof Uint8Array &&
    fields.size === 2
  );
}

describe('keychain codec', () => {
  it('reads back every kind of entry', () => {
    for (const arbitrary of arbitraryBodies) {
      fc.assert(
        fc.property(arbitraryEntry(arbitrary), arbitraryBytes(64), (entry, signature) => {
          const parsed = parseKeychainEntry(joinSigned(encodeKeychainEntry(entry), signature));
          expect(parsed.entry).toEqual(entry);
          expect(parsed.signature).toEqual(signature);
        }),
        { numRuns: 12 },
      );
    }
  });

  it('refuses every damaged field of the envelope', () => {
    for (const arbitrary of arbitraryBodies) {
      const body = encodeKeychainEntry(sampleOf(arbitrary));
      for (const bad of damagedMaps(decodeMap(body))) expectRefused(unsigned(encodeCbor(bad)));
      for (const key of decodeMap(body).keys()) {
        const without = decodeMap(body);
        without.delete(key);
        expectRefused(unsigned(encodeCbor(without)));
      }
    }
  });

  it('refuses every damaged field of the body', () => {
    for (const arbitrary of arbitraryBodies) {
      const entry = sampleOf(arbitrary);
      // A sealed name is any byte string: damage there is found when it is opened.
      const { body } = entry;
      const canLackIt = 'sealedName' in body && body.kind !== 'rename-device';
      const bare = canLackIt ? { ...entry, body: { ...body, sealedName: undefined } } : entry;
      for (const bad of damagedInside(encodeKeychainEntry(bare), 6)) {
        if (isOtherName(body, bad)) expect(parseKeychainEntry(unsigned(bad)).entry.body.kind).toBe(body.kind);
        else expectRefused(unsigned(bad));
      }
    }
  });

  it('refuses the body of another kind', () => {
    const bodies = arbitraryBodies.map((arbitrary) => encodeKeychainEntry(sampleOf(arbitrary)));
    // genesis and rotate-aik, revoke-device and its like share a layout; the type at key 4 is signed, so that is fine.
    const first = decodeMap(bodies[0] as Uint8Array);
    const second = decodeMap(bodies[1] as Uint8Array).get(6);
    expectRefused(unsigned(encodeCbor(new Map(first).set(6, second as Uint8Array))));
  });

  it('says that an unknown type, version or algorithm needs a newer program', () => {
    const body = decodeMap(encodeKeychainEntry(sampleOf(arbitraryBodies[0]!)));
    for (const [key, value] of [
      [0, 2],
      [4, 21],
      [4, 4000],
      [7, 2],
    ] as const) {
      const bytes = unsigned(encodeCbor(new Map(body).set(key, value)));
      expect(() => parseKeychainEntry(bytes)).toThrow(expect.objectContaining({ code: 'newer-version' }));
    }
  });

  it('never throws anything but its typed errors on arbitrary bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), expectRefused));
  });
});
