/** Every known answer of vectors/format-v1.json that this package computes, from the V part (format.md). */

import { concatBytes, fromHex, toHex } from '@keephold/bytes';
import { describe, expect, it } from 'vitest';
import vectors from '../../../vectors/format-v1.json' with { type: 'json' };
import { ed25519FromSeed, sign } from './ed25519.ts';
import {
  asKey,
  blobId,
  chainId,
  gearTable,
  hedgedSalt,
  type KeyName,
  label,
  nextChainKey,
  type ObjectType,
  objectName,
  openAsRecipient,
  openObject,
  openPage,
  packKey,
  sealPage,
  sessionIdOf,
  sessionKey,
  sha256,
  snapshotKey,
  verifyStrict,
  xWingFromSeed,
} from './index.ts';
import { sealEnvelope } from './sealed-object/envelope.ts';
import { sealWrapped } from './sealed-object/recipient.ts';

const { V, S } = vectors;
const key = <Name extends KeyName>(name: Name, hex: string) => asKey(name, fromHex(hex));
const vaultId = fromHex(V.session.input.vaultId);

describe('blobs', () => {
  it.each(V.blobId.cases)('blob id of kind $kind', ({ kind, plaintext, id }) => {
    const idKey = key('IdKey', V.blobId.input.idKey);
    expect(toHex(blobId(idKey, kind as 1 | 2 | 3, fromHex(plaintext)))).toBe(id);
  });

  it.each([V.listBlob, V.listBlobLevel1, V.treeBlob, V.treeBlobRoot])('blob id of a tree or list', (blob) => {
    const idKey = key('IdKey', V.blobId.input.idKey);
    expect(toHex(blobId(idKey, blob.kind as 2 | 3, fromHex(blob.plaintext)))).toBe(blob.id);
  });

  it('gear table', () => {
    const table = gearTable(key('ChunkerKey', V.gear.input.chunkerKey), fromHex(V.gear.input.vaultId));
    expect(table.length).toBe(2048);
    expect(toHex(table.subarray(0, 32))).toBe(V.gear.first32Bytes);
    expect(toHex(sha256(table))).toBe(V.gear.sha256Of2048Bytes);
    const view = new DataView(table.buffer);
    expect(view.getBigUint64(0, true)).toBe(BigInt(V.gear.entry0));
    expect(view.getBigUint64(255 * 8, true)).toBe(BigInt(V.gear.entry255));
  });
});

describe('session chain', () => {
  it('session 2', () => {
    const first = key('ChainKey', V.session.input.chainKey0);
    const chain = chainId(first, { vaultId, deviceId: fromHex(V.session.input.deviceId) });
    expect(toHex(chain)).toBe(V.session.chainId);
    expect(toHex(sessionIdOf(chain, V.session.input.number))).toBe(V.session.sessionId);
    expect(toHex(sessionKey(nextChainKey(nextChainKey(first))))).toBe(V.session.sessionKey);
  });

  it('snapshot key', () => {
    const session = key('SessionKey', V.snapshot.input.sessionKey);
    expect(toHex(snapshotKey(session, vaultId))).toBe(V.snapshot.snapshotKey);
  });

  it('hedged salt', () => {
    const digest = sha256(fromHex(S.hedgedSalt.boundData));
    expect(toHex(hedgedSalt(fromHex(S.hedgedSalt.random), digest))).toBe(S.hedgedSalt.salt);
  });
});

interface PackVector {
  readonly header: string;
  readonly packKey: string;
  readonly trailer: string;
  readonly tail: string;
  readonly plaintextSha256: string;
  readonly pageCount: number;
  readonly packId: string;
  readonly pages: readonly {
    readonly first32CiphertextBytes: string;
    readonly tag: string;
    readonly sha256OfSealedPage: string;
  }[];
}

const packs: readonly (readonly [string, PackVector, () => Uint8Array])[] = [
  ['one page', V.packOnePage, () => fromHex(V.packOnePage.input.frames[0]?.blobs[0]?.plaintext as string)],
  [
    'two pages',
    V.packTwoPages,
    () =>
      concatBytes(
        Uint8Array.from({ length: 70_000 }, (_, i) => 7 * i + (i >> 8)),
        fromHex(V.packTwoPages.input.frames[1]?.storedBytes as string),
      ),
  ],
  [
    'meta',
    V.packMeta,
    () =>
      concatBytes(...[V.treeBlob, V.listBlob, V.listBlobLevel1, V.treeBlobRoot].map((blob) => fromHex(blob.plaintext))),
  ],
];

describe('packs', () => {
  it.each(packs)('%s', async (_, pack, frames) => {
    const plaintext = new Uint8Array(pack.pageCount * 65_536);
    plaintext.set(frames());
    const ending = fromHex(pack.trailer + pack.tail);
    plaintext.set(ending, plaintext.length - ending.length);
    expect(toHex(sha256(plaintext))).toBe(pack.plaintextSha256);

    const header = fromHex(pack.header);
    const derived = packKey(key('SessionKey', V.session.sessionKey), header);
    expect(toHex(derived)).toBe(pack.packKey);

    const sealedPages: Uint8Array[] = [];
    for (const [index, expected] of pack.pages.entries()) {
      const page = plaintext.subarray(index * 65_536, (index + 1) * 65_536);
      const sealed = await sealPage({ key: derived, index, page });
      expect(toHex(sealed.subarray(0, 32))).toBe(expected.first32CiphertextBytes);
      expect(toHex(sealed.subarray(65_536))).toBe(expected.tag);
      expect(toHex(sha256(sealed))).toBe(expected.sha256OfSealedPage);
      expect(await openPage({ key: derived, index, sealed })).toEqual(page);
      sealedPages.push(sealed);
    }
    expect(toHex(objectName(concatBytes(header, ...sealedPages)))).toBe(pack.packId);
  });
});

const symmetric = [
  { name: 'sealedObject', vector: V.sealedObject, keyHex: V.sealedObject.input.K },
  { name: 'indexObject', vector: V.indexObject, keyHex: V.indexObject.input.K },
  { name: 'metaIndexObject', vector: V.metaIndexObject, keyHex: V.metaIndexObject.input.K },
  { name: 'snapshot', vector: V.snapshot, keyHex: V.snapshot.snapshotKey },
];

describe('sealed objects', () => {
  it.each(symmetric)('$name', async ({ vector, keyHex }) => {
    const payload = fromHex(vector.payload);
    const sealed = await sealEnvelope({
      header: fromHex(vector.header),
      salt: fromHex(vector.salt),
      key: fromHex(keyHex),
      wrapping: new Uint8Array(),
      payload,
    });
    expect(toHex(sealed)).toBe(vector.object);
    expect(toHex(objectName(sealed))).toBe(vector.objectId);
    const { objectType, contextId, epoch } = vector.input;
    const expected = { type: Number(objectType) as ObjectType, contextId: fromHex(contextId), epoch };
    expect(await openObject({ bytes: sealed, expect: expected, key: key('IndexKey', keyHex) })).toEqual(payload);
  });

  it('session object, to a recipient', async () => {
    const vector = V.sessionObjectHpke;
    const place = { type: 0x11 as const, contextId: vaultId, epoch: vector.input.epoch };
    const { seed, publicKey } = await xWingFromSeed(key('XWingSeed', vector.input.readKeySeed));
    expect(toHex(sha256(publicKey))).toBe(vector.readPublicKeySha256);
    const sealed = await sealWrapped({
      ...place,
      recipient: publicKey,
      payload: fromHex(vector.payload),
      salt: fromHex(vector.salt),
      key: fromHex(vector.input.randomK),
      coins: fromHex(vector.input.encapsulationCoins),
    });
    expect(toHex(sealed)).toBe(vector.object);
    expect(toHex(objectName(sealed))).toBe(vector.objectId);
    expect(toHex(await openAsRecipient({ bytes: fromHex(vector.object), expect: place, seed }))).toBe(vector.payload);
  });
});

describe('commits', () => {
  it.each([V.commit, V.commitKeeperEvent])('signature and hash', (commit) => {
    const { seed, publicKey } = ed25519FromSeed(key('Ed25519Seed', commit.input.signingSeed));
    expect(toHex(publicKey)).toBe(commit.publicKey);
    const bytes = fromHex(commit.bytes);
    const message = concatBytes(label('sig/commit'), bytes);
    const signature = sign(seed, message);
    expect(toHex(signature)).toBe(commit.signature);
    expect(verifyStrict({ publicKey, message, signature })).toBe(true);
    expect(toHex(sha256(label('commit'), bytes, signature))).toBe(commit.commitHash);
  });

  it('digests of pack sets', () => {
    const empty = new Uint8Array(4);
    expect(toHex(sha256(label('packs'), empty))).toBe(V.packsDigest.emptySet);
    expect(toHex(sha256(label('refset'), empty))).toBe(V.refsetDigest.emptySet);
    const ids = V.refsetDigest.sorted.map(fromHex);
    expect(toHex(sha256(label('refset'), Uint8Array.of(ids.length, 0, 0, 0), ...ids))).toBe(V.refsetDigest.digest);
  });
});
