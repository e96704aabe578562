/** A refset that is stated again, as a body: frames refset ‖ packs added, the second absent where nobody knows them. */
import type { RestatedRefset } from '../custody.ts';
import { MalformedRecordError } from '../errors.ts';
import { decodeFrames, encodeFrames } from './frames.ts';
import { LARGEST_COMMIT_BODY } from './limits.ts';

export function encodeRefsetBody({ refset, packs }: RestatedRefset): Uint8Array<ArrayBuffer> {
  return encodeFrames([refset, packs]);
}

/** @throws MalformedRecordError unless it is what `encodeRefsetBody` writes. The lists themselves are not looked at. */
export function decodeRefsetBody(body: Uint8Array): RestatedRefset {
  const [refset, packs, ...rest] = decodeFrames(body, { length: LARGEST_COMMIT_BODY, count: 2 });
  if (refset === undefined || rest.length > 0) {
    throw new MalformedRecordError('read refset: its frames are not those of a refset');
  }
  return { refset, packs };
}
