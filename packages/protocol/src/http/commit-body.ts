/** A commit request as a body: frames commit ‖ packsAdded, and with a refset parentSeq u64 (or absent) ‖ added ‖ removed. */
import { readU64, writeU64 } from '@keephold/bytes';
import type { CommitRequest } from '../custody.ts';
import { MalformedRecordError } from '../errors.ts';
import { decodeFrames, encodeFrames, type Frame } from './frames.ts';
import { LARGEST_COMMIT_BODY } from './limits.ts';

export function encodeCommitBody({ bytes, packsAdded, refset }: CommitRequest): Uint8Array<ArrayBuffer> {
  if (refset === undefined) return encodeFrames([bytes, packsAdded]);
  return encodeFrames([bytes, packsAdded, encodeSeq(refset.parentSeq), refset.added, refset.removed]);
}

/** @throws MalformedRecordError unless it is what `encodeCommitBody` writes. The lists themselves are not looked at. */
export function decodeCommitBody(body: Uint8Array): CommitRequest {
  const [bytes, packsAdded, parent, added, removed, ...rest] = decodeFrames(body, {
    length: LARGEST_COMMIT_BODY,
    count: 5,
  });
  if (bytes === undefined || packsAdded === undefined || rest.length > 0) throw malformed();
  if (added === undefined && parent === undefined && removed === undefined) {
    return { bytes, packsAdded, refset: undefined };
  }
  if (added === undefined || removed === undefined) throw malformed();
  return { bytes, packsAdded, refset: { parentSeq: decodeSeq(parent), added, removed } };
}

function encodeSeq(seq: number | undefined): Frame {
  if (seq === undefined) return undefined;
  const bytes = new Uint8Array(8);
  writeU64(bytes, 0, BigInt(seq));
  return bytes;
}

function decodeSeq(frame: Frame): number | undefined {
  if (frame === undefined) return undefined;
  const seq = frame.length === 8 ? Number(readU64(frame, 0)) : Number.NaN;
  if (!Number.isSafeInteger(seq)) throw malformed();
  return seq;
}

function malformed(): MalformedRecordError {
  return new MalformedRecordError('read commit request: its frames are not those of a commit');
}
