import { toHex } from '@keephold/bytes';
import { asDeviceId, asObjectName, asStreamId, asVaultId } from '@keephold/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryBytes } from '../_arbitrary-contents.ts';
import { DamagedError } from '../errors.ts';
import type { CommitLogState } from './commit-log.ts';
import { decodeCommitLogState, encodeCommitLogState } from './commit-log-state.ts';

const seq = fc.integer({ min: 1, max: 7 });
const deviceId = arbitraryBytes(16).map(asDeviceId);
const name = arbitraryBytes(32).map(asObjectName);
const states: fc.Arbitrary<CommitLogState> = fc.record({
  vaultId: arbitraryBytes(16).map(asVaultId),
  seq: fc.constant(7),
  keychainSeq: fc.nat(),
  hashes: arbitraryBytes(8 * 32),
  indexes: fc.array(
    fc.record({
      name,
      deviceId,
      seq,
      packsDigest: arbitraryBytes(32),
      group: fc.integer({ min: 1, max: 9 }),
      kind: fc.constantFrom(undefined, 1 as const, 2 as const),
    }),
    { maxLength: 4 },
  ),
  sessions: fc.array(fc.record({ name, deviceId }), { maxLength: 3 }),
  snapshots: fc.array(
    fc
      .record({
        seq,
        kind: fc.constantFrom('complete' as const, 'checkpoint' as const),
        deviceId,
        streamId: arbitraryBytes(16).map(asStreamId),
        object: name,
        trashedAt: fc.nat(),
        refset: fc.record({ seq, digest: arbitraryBytes(32) }),
      })
      .map((entry) => ({ ...entry, state: entry.trashedAt === 0 ? ('active' as const) : ('trashed' as const) })),
    { maxLength: 3 },
  ),
  purgedSeq: fc.integer({ min: 0, max: 7 }),
});

describe('saved commit log', () => {
  it('is read back as it was', () => {
    fc.assert(
      fc.property(states, (state) => {
        expect(decodeCommitLogState(encodeCommitLogState(state))).toEqual(state);
      }),
    );
  });

  it('is refused when cut, extended or of another form; otherwise a flip says something else', () => {
    const [state] = fc.sample(states, { numRuns: 1, seed: 5 });
    const bytes = encodeCommitLogState(state as CommitLogState);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeCommitLogState(bytes.subarray(0, length))).toThrow(DamagedError);
    }
    expect(() => decodeCommitLogState(new Uint8Array([...bytes, 0]))).toThrow(DamagedError);
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.with(at, (bytes[at] as number) ^ (1 << (at % 8)));
      try {
        expect(toHex(encodeCommitLogState(decodeCommitLogState(changed)))).toBe(toHex(changed));
      } catch (error) {
        expect(error, `byte ${at}`).toBeInstanceOf(DamagedError);
      }
    }
  });
});
