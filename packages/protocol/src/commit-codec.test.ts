import { concatBytes, encodeCbor, fromHex, toHex } from '@keephold/bytes';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import vectors from '../../../vectors/format-v1.json' with { type: 'json' };
import { arbitraryBytes, arbitraryIds, damagedMaps, decodeMap } from './_arbitrary-records.ts';
import type { Commit } from './commit.ts';
import { encodeCommit, parseCommit } from './commit-codec.ts';
import { MalformedRecordError } from './errors.ts';
import { sortPackIds } from './pack-id-list.ts';
import { joinSigned } from './signed-record.ts';
import { commitHashInput } from './signing-texts.ts';

const vector = vectors.V.commit;
const stored = joinSigned(fromHex(vector.bytes), fromHex(vector.signature));

const bytes = arbitraryBytes;
const ids = arbitraryIds;
const base = {
  vaultId: bytes(16),
  seq: fc.integer({ min: 2, max: 2 ** 40 }),
  prevHash: bytes(32),
  keychainSeq: fc.nat(),
  keychainHash: bytes(32),
  clientTime: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
};
const adding = {
  deviceId: bytes(16),
  indexObjects: ids(32),
  packsDigest: bytes(32),
  superseded: ids(32),
  sessionObjects: ids(32),
  refsetDigest: bytes(32),
};
const anyCommit = fc.oneof(
  fc.record({
    ...base,
    kind: fc.constantFrom('snapshot', 'checkpoint'),
    ...adding,
    streamId: bytes(16),
    snapshotObject: bytes(32),
    parentSeq: fc.constantFrom(undefined, 1),
  }),
  fc.record({ ...base, kind: fc.constant('heal'), ...adding, parentSeq: fc.constant(1) }),
  fc.record({
    ...base,
    kind: fc.constant('index-maintenance'),
    deviceId: bytes(16),
    indexObjects: ids(32, 1),
    packsDigest: bytes(32),
    superseded: ids(32),
  }),
  fc.record({
    ...base,
    kind: fc.constant('keeper-event'),
    deviceId: fc.option(bytes(16), { nil: undefined }),
    event: fc.constantFrom('trashed', 'expired', 'purged', 'untrashed'),
    snapshots: fc.uniqueArray(fc.nat(), { minLength: 1, maxLength: 5 }).map((seqs) => seqs.sort((a, b) => a - b)),
    packs: ids(32).map(sortPackIds),
  }),
) as fc.Arbitrary<unknown> as fc.Arbitrary<Commit>;

/** Every field replaced, missing where it must be there, and a foreign one added. */
function damaged(body: Uint8Array): Uint8Array[] {
  const map = decodeMap(body);
  const optional: unknown[] = map.get(4) === 4 ? [5] : [10, 11, 16];
  const missing = [...map.keys()]
    .filter((key) => !optional.includes(key))
    .map((key) => new Map([...map].filter(([other]) => other !== key)));
  // Any signed integer is a time.
  const wrong = damagedMaps(map).filter((bad) => bad.get(7) !== -1);
  return [...missing, ...wrong].map((bad) => encodeCbor(bad));
}

describe('commit codec', () => {
  it('reads and writes the vector', async () => {
    const { commit, body, signature } = parseCommit(stored);
    expect(toHex(body)).toBe(vector.bytes);
    expect(toHex(signature)).toBe(vector.signature);
    expect(commit.kind).toBe('snapshot');
    expect(commit.seq).toBe(5);
    expect(commit.kind === 'snapshot' && commit.parentSeq).toBe(4);
    expect(toHex(encodeCommit(commit))).toBe(vector.bytes);
    const hash = await crypto.subtle.digest('SHA-256', concatBytes(...commitHashInput(stored)));
    expect(toHex(new Uint8Array(hash))).toBe(vector.commitHash);
  });

  it('reads back what it writes, for every kind', () => {
    fc.assert(
      fc.property(anyCommit, bytes(64), (commit, signature) => {
        const parsed = parseCommit(joinSigned(encodeCommit(commit), signature));
        expect(parsed.commit).toEqual(commit);
        expect(parsed.signature).toEqual(signature);
      }),
    );
  });

  it('refuses every missing, mistyped and added field', () => {
    const kinds = fc.sample(anyCommit, { numRuns: 40, seed: 7 });
    expect(new Set(kinds.map((commit) => commit.kind)).size).toBe(5);
    for (const commit of kinds) {
      const body = encodeCommit(commit);
      for (const bad of damaged(body)) {
        expect(() => parseCommit(joinSigned(bad, new Uint8Array(64)))).toThrow(MalformedRecordError);
      }
    }
  });

  it('refuses the keys of another kind', () => {
    const map = decodeMap(fromHex(vector.bytes));
    for (const kind of [0, 3, 4, 5, 6]) {
      const bad = encodeCbor(new Map(map).set(4, kind));
      expect(() => parseCommit(joinSigned(bad, new Uint8Array(64)))).toThrow(MalformedRecordError);
    }
    // The encoding vector of a keeper event carries a digest, which the type does not allow.
    const event = vectors.V.commitKeeperEvent;
    expect(() => parseCommit(joinSigned(fromHex(event.bytes), fromHex(event.signature)))).toThrow(/key 12/);
  });

  it('refuses cut, extended and non-canonical bytes', () => {
    const lengthened = stored.slice();
    for (let cut = 0; cut < stored.length; cut += 7) {
      expect(() => parseCommit(stored.subarray(0, cut))).toThrow(MalformedRecordError);
    }
    expect(() => parseCommit(concatBytes(lengthened, new Uint8Array(1)))).toThrow(MalformedRecordError);
    const body = fromHex(vector.bytes);
    const longHead = concatBytes(Uint8Array.of(0xb8, body[0]! - 0xa0), body.subarray(1));
    expect(() => parseCommit(joinSigned(longHead, new Uint8Array(64)))).toThrow(MalformedRecordError);
  });

  it('never throws anything but its typed error on arbitrary bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (input) => {
        try {
          parseCommit(input);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedRecordError);
        }
      }),
    );
  });

  it('refuses a parent that is not older, ids listed twice, and an object that supersedes itself', () => {
    const { commit } = parseCommit(stored);
    if (commit.kind !== 'snapshot') throw new Error('vector changed');
    const [first] = commit.indexObjects;
    expect(() => encodeCommit({ ...commit, parentSeq: 5 })).toThrow(MalformedRecordError);
    expect(() => encodeCommit({ ...commit, indexObjects: [first!, first!] })).toThrow(MalformedRecordError);
    expect(() => encodeCommit({ ...commit, superseded: [first!] })).toThrow(MalformedRecordError);
  });
});
