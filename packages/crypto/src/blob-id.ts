/** Names of blobs and the chunker's secret table (format.md §1, §2): what lets a writer deduplicate, and reads nothing. */

import { concatBytes } from '@keephold/bytes';
import { expand } from './expand.ts';
import { hmacSha256 } from './hmac-sha256.ts';
import { type ChunkerKey, ID_LENGTH, type IdKey, requireLength } from './keys.ts';
import { label } from './label.ts';

/** 1 data, 2 tree, 3 list. */
export type BlobKind = 1 | 2 | 3;

const GEAR_TABLE_LENGTH = 2048;

/** 32 bytes; a reader recomputes them, so they are the blob's integrity check too. */
export function blobId(idKey: IdKey, kind: BlobKind, plaintext: Uint8Array): Uint8Array<ArrayBuffer> {
  return hmacSha256(idKey, Uint8Array.of(kind), plaintext);
}

/** 256 u64, little-endian, of the gear chunker of one vault (format.md §3). */
export function gearTable(chunkerKey: ChunkerKey, vaultId: Uint8Array): Uint8Array<ArrayBuffer> {
  requireLength('vault id', vaultId, ID_LENGTH);
  return expand(chunkerKey, concatBytes(label('chunker/gear'), vaultId), GEAR_TABLE_LENGTH);
}
