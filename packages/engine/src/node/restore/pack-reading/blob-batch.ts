/** Blobs whose bytes are at hand and that are named together: two at a time is faster than one after the other. */
import type { BulkCrypto } from '@keephold/crypto/bulk';
import type { Pieces } from './frame-reader.ts';

type Kind = 1 | 2 | 3;

interface WaitingBlob {
  row: number;
  kind: Kind;
  pieces: Pieces;
  readonly id: Uint8Array;
}

/** More of them name no faster. */
const ENOUGH_BYTES: number = 8 * 1024 * 1024;
/** Frames that were decompressed and whose bytes stand at the same time (FrameReader.frame). */
const DECOMPRESSED = 2;

export interface BlobBatchOptions {
  readonly bulk: BulkCrypto;
  /** Ids that are expected, 32 bytes from `idAt(row)` on. */
  readonly ids: Uint8Array;
  readonly idAt: (row: number) => number;
  /** Told of every blob, in the order they came; `pieces` undefined: it is not what its id says. */
  readonly onBlob: (row: number, pieces: Pieces | undefined) => void;
}

export class BlobBatch {
  readonly #options: BlobBatchOptions;
  /** Used again and again; the first #count are waiting. */
  readonly #waiting: WaitingBlob[] = [];
  #count = 0;
  #bytes = 0;
  #decompressed = 0;

  constructor(options: BlobBatchOptions) {
    this.#options = options;
  }

  /** To be called before the bytes of a frame are asked for: they may take the place of others. */
  beginFrame(isCompressed: boolean): void {
    if (this.#count >= 8 || this.#bytes >= ENOUGH_BYTES || (isCompressed && this.#decompressed === DECOMPRESSED))
      this.settle();
    if (isCompressed) this.#decompressed++;
  }

  add(row: number, kind: Kind, pieces: Pieces): void {
    const blob = this.#waiting[this.#count++];
    if (blob === undefined) this.#waiting.push({ row, kind, pieces, id: new Uint8Array(32) });
    else {
      blob.row = row;
      blob.kind = kind;
      blob.pieces = pieces;
    }
    for (const piece of pieces) this.#bytes += piece.length;
  }

  /** A blob of a frame that is damaged. */
  addBad(row: number): void {
    this.settle();
    this.#options.onBlob(row, undefined);
  }

  /** Names what waits, and tells of it. */
  settle(): void {
    const { bulk, ids, idAt, onBlob } = this.#options;
    const blobs = this.#waiting.slice(0, this.#count);
    this.#count = 0;
    this.#bytes = 0;
    this.#decompressed = 0;
    bulk.blobIds(blobs);
    for (const { row, pieces, id } of blobs) onBlob(row, isSame(id, ids, idAt(row)) ? pieces : undefined);
  }
}

function isSame(id: Uint8Array, ids: Uint8Array, at: number): boolean {
  for (let i = 0; i < 32; i++) if (ids[at + i] !== id[i]) return false;
  return true;
}
