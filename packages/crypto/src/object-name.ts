/** Names of immutable things: the SHA-256 of all their bytes (format.md §5, §7). */

import { sha256 } from '#primitives/sha256';

/** 32 bytes. */
export function objectName(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return sha256(bytes);
}
