import { createCipheriv, createHash, createHmac, randomBytes } from 'node:crypto';
import { toHex } from '@keephold/bytes';
import { nativeLibrary } from '@keephold/ffi';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createBulkCrypto, PAGE_BYTES, SEALED_PAGE_BYTES } from './bulk.ts';

const idKey = randomBytes(32);
const implementations = [
  ['native', nativeLibrary()],
  ['portable', undefined],
] as const;

describe.each(implementations)('%s bulk crypto', (_name, native) => {
  const bulk = createBulkCrypto({ idKey, native });

  it.each([0, 1, 62, 63, 64, 65, 1000, 70_000])(
    'names a blob of %i bytes by HMAC-SHA256 of kind and plaintext',
    (n) => {
      const data = new Uint8Array(new SharedArrayBuffer(n));
      data.set(randomBytes(n));
      for (const kind of [1, 2, 3] as const) {
        const id = new Uint8Array(32);
        bulk.blobId(kind, data, id);
        expect(Buffer.from(id)).toEqual(
          createHmac('sha256', idKey)
            .update(new Uint8Array([kind]))
            .update(data)
            .digest(),
        );
      }
      const digest = new Uint8Array(32);
      bulk.sha256(data, digest);
      expect(Buffer.from(digest)).toEqual(createHash('sha256').update(data).digest());
    },
  );

  it('names many blobs in pieces at any place in memory as it names each alone', () => {
    const memory = new Uint8Array(new SharedArrayBuffer(400_000));
    memory.set(randomBytes(400_000));
    const length = fc.oneof(fc.nat(200), fc.nat({ max: 5_000 }), fc.nat({ max: 140_000 }));
    const piece = fc.tuple(fc.nat({ max: 250_000 }), length).map(([at, n]) => memory.subarray(at, at + n));
    const blob = fc.record({ kind: fc.constantFrom(1, 2, 3), pieces: fc.array(piece, { maxLength: 4 }) });
    fc.assert(
      fc.property(fc.array(blob, { maxLength: 9 }), (blobs) => {
        const named = blobs.map((one) => ({ ...one, id: new Uint8Array(32) }));
        bulk.blobIds(named);
        for (const { kind, pieces, id } of named) {
          const expected = createHmac('sha256', idKey).update(new Uint8Array([kind]));
          for (const bytes of pieces) expected.update(bytes);
          expect(toHex(id)).toBe(expected.digest('hex'));
        }
      }),
    );
  });

  it('hashes what was begun beside blobs, however much of it they took along', () => {
    const memory = new Uint8Array(new SharedArrayBuffer(300_000));
    memory.set(randomBytes(300_000));
    const length = fc.oneof(fc.nat(3_000), fc.nat({ max: 150_000 }));
    const step = fc.oneof(
      fc.record({ begin: length, at: fc.nat(100_000) }),
      fc.record({ name: length, at: fc.nat(100_000) }),
      fc.constant('end' as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const begun: { readonly bytes: Uint8Array; readonly out: Uint8Array }[] = [];
        const done: string[] = [];
        for (const one of [...steps, 'end' as const]) {
          if (one === 'end') bulk.endSha256();
          else if ('begin' in one) {
            const bytes = memory.subarray(one.at, one.at + one.begin);
            const out = new Uint8Array(32);
            begun.push({ bytes, out });
            bulk.beginSha256(bytes, out, () => done.push(toHex(out)));
          } else {
            const bytes = memory.subarray(one.at, one.at + one.name);
            const id = new Uint8Array(32);
            bulk.blobId(2, bytes, id);
            expect(toHex(id)).toBe(createHmac('sha256', idKey).update('\x02').update(bytes).digest('hex'));
          }
        }
        const digests = begun.map(({ bytes }) => createHash('sha256').update(bytes).digest('hex'));
        expect(begun.map(({ out }) => toHex(out))).toEqual(digests);
        expect(done).toEqual(digests);
      }),
    );
  });

  it('seals pages as AES-256-GCM with the page number as nonce, and opens them again', () => {
    const key = randomBytes(32);
    const area = new Uint8Array(new SharedArrayBuffer(3 * SEALED_PAGE_BYTES));
    const plain = [0, 1, 2].map(() => randomBytes(PAGE_BYTES));
    plain.forEach((page, i) => area.set(page, i * SEALED_PAGE_BYTES));
    bulk.sealPages(key, area, 255, 3);
    const nonce = Buffer.alloc(12);
    nonce.writeUInt32BE(256, 8);
    const cipher = createCipheriv('aes-256-gcm', key, nonce);
    const expected = Buffer.concat([cipher.update(plain[1]!), cipher.final(), cipher.getAuthTag()]);
    expect(expected.equals(area.slice(SEALED_PAGE_BYTES, 2 * SEALED_PAGE_BYTES))).toBe(true);
    expect(bulk.openPages(key, area, 255, 3)).toBe(3);
    plain.forEach((page, i) => {
      const at = i * SEALED_PAGE_BYTES;
      expect(Buffer.from(area.slice(at, at + PAGE_BYTES)).equals(page)).toBe(true);
    });
  });

  it('stops at the first page that was changed, moved or renumbered', () => {
    const key = randomBytes(32);
    const sealed = new Uint8Array(2 * SEALED_PAGE_BYTES);
    bulk.sealPages(key, sealed, 0, 2);
    for (const flip of [0, PAGE_BYTES - 1, PAGE_BYTES, SEALED_PAGE_BYTES - 1]) {
      const copy = sealed.slice();
      copy[SEALED_PAGE_BYTES + flip]! ^= 1;
      expect(bulk.openPages(key, copy, 0, 2)).toBe(1);
    }
    expect(bulk.openPages(key, sealed.slice(), 1, 2)).toBe(0);
    expect(bulk.openPages(randomBytes(32), sealed.slice(), 0, 2)).toBe(0);
  });
});
