/** What pairing sends: read back as written, and every change of the bytes refused or another message. */
import { asObjectName, asVaultId, BUNDLE_LENGTH, MalformedRecordError } from '@keephold/protocol';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  decodePairingDraft,
  decodePairingHeads,
  decodePairingOffer,
  encodePairingDraft,
  encodePairingHeads,
  encodePairingOffer,
} from './pairing-messages.ts';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const optional = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined });
const pin = fc.record({ seq: fc.nat(), hash: bytes(32) });
const ids = <T>(length: number, as: (id: Uint8Array) => T) =>
  fc.uniqueArray(bytes(length), { maxLength: 3, selector: String }).map((list) => list.map((id) => as(id)));

const offer = fc.record({ bundle: bytes(BUNDLE_LENGTH), sealedName: fc.uint8Array({ maxLength: 90 }), mac: bytes(32) });
const draft = fc.record({
  fields: fc.record({
    bundle: bytes(BUNDLE_LENGTH),
    role: fc.constantFrom('backup-only' as const, 'trusted' as const),
    vaults: ids(16, asVaultId),
    grants: ids(32, asObjectName),
    sealedName: optional(fc.uint8Array({ maxLength: 90 })),
  }),
  mac: bytes(32),
});
const heads = fc.record({
  grant: bytes(32).map(asObjectName),
  keychain: pin,
  vault: fc.record({ vaultId: bytes(16).map(asVaultId), head: optional(pin) }),
  mac: bytes(32),
});

const forms = [
  ['offer', offer, encodePairingOffer, decodePairingOffer],
  ['draft', draft, encodePairingDraft, decodePairingDraft],
  ['heads', heads, encodePairingHeads, decodePairingHeads],
] as const;

for (const [name, arbitrary, encode, decode] of forms) {
  it(`reads a pairing ${name} back, and refuses it cut, longer, or as another message`, () => {
    fc.assert(
      fc.property(arbitrary as fc.Arbitrary<never>, fc.nat(), (message, at) => {
        const encoded = encode(message);
        expect(decode(encoded)).toEqual(message);
        expect(() => decode(encoded.subarray(0, at % encoded.length))).toThrow(MalformedRecordError);
        expect(() => decode(new Uint8Array([...encoded, 0]))).toThrow(MalformedRecordError);
        for (const [other, , , read] of forms) {
          if (other !== name) expect(() => read(encoded)).toThrow(MalformedRecordError);
        }
        const flipped = encoded.slice();
        flipped[at % encoded.length] = (flipped[at % encoded.length] as number) ^ 1;
        try {
          expect(encode(decode(flipped) as never)).toEqual(flipped);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedRecordError);
        }
      }),
      { numRuns: 40 },
    );
  });
}
