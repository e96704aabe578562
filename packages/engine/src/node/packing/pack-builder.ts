/**
 * Fills one pack: frames go in as they come, sealing turns the area into the bytes that leave this thread (format.md
 * §4). The area lies in shared memory and has the layout of the file from the start (header, then pages with room for
 * their tags), so that sealing works in place and nothing is copied afterwards.
 */
import { equalBytes, freeBytes, fullPages, ladderPages, type PackKind, readU32, writeU32 } from '@keephold/bytes';
import { hedgedSalt, packKey, type SessionKey } from '@keephold/crypto';
import { type BulkCrypto, PAGE_BYTES, SEALED_PAGE_BYTES } from '@keephold/crypto/bulk';
import { copyBytes } from '@keephold/ffi';
import {
  encodePackHeader,
  PACK_HEADER_LENGTH,
  type PackId,
  parsePackHeader,
  type SessionId,
  type VaultId,
} from '@keephold/protocol';
import { EngineError } from '../../errors.ts';
import {
  BLOB_ROW_BYTES,
  encodeTail,
  FRAME_ROW_BYTES,
  MAX_BLOBS_PER_PACK,
  type PackContents,
  parseTail,
  TAIL_BYTES,
} from '../../pack-contents.ts';

/** Bytes of an area that holds any pack of the kind. */
export function packAreaBytes(kind: PackKind): number {
  return PACK_HEADER_LENGTH + fullPages(kind) * SEALED_PAGE_BYTES;
}

export interface PackIdentity {
  readonly vaultId: VaultId;
  readonly sessionId: SessionId;
  readonly sessionKey: SessionKey;
}

/** A blob inside a frame that is being added: its id and length, and the number of its record in KnownBlobs. */
export interface FrameBlobs {
  /** blobId 32 each. */
  readonly ids: Uint8Array;
  readonly lengths: readonly number[] | Uint32Array;
  readonly records: readonly number[] | Uint32Array;
  readonly kinds: readonly number[] | Uint8Array;
  readonly count: number;
}

/** Sealed, and still without its name: the SHA-256 of its bytes. */
export interface UnnamedPack {
  readonly kind: PackKind;
  readonly packSalt: Uint8Array;
  readonly pageCount: number;
  /** Bytes of the area that are the pack. */
  readonly length: number;
  readonly contents: PackContents;
  /** KnownBlobs record of each blob. */
  readonly records: Uint32Array;
}

export interface SealedPack extends UnnamedPack {
  readonly packId: PackId;
}

export class PackBuilder {
  readonly kind: PackKind;
  readonly area: Uint8Array;
  readonly #pages: Uint8Array;
  readonly #capacity: number;
  #frameRows = new Uint8Array(64 * FRAME_ROW_BYTES);
  #blobRows = new Uint8Array(256 * BLOB_ROW_BYTES);
  #records = new Uint32Array(256);
  #frames = 0;
  #blobs = 0;
  #position = 0;

  constructor(kind: PackKind, area: Uint8Array) {
    this.kind = kind;
    this.area = area;
    this.#pages = area.subarray(PACK_HEADER_LENGTH);
    this.#capacity = fullPages(kind) * PAGE_BYTES;
  }

  get isEmpty(): boolean {
    return this.#frames === 0;
  }

  /** Plaintext bytes of the frames so far. */
  get position(): number {
    return this.#position;
  }

  get frames(): number {
    return this.#frames;
  }

  /** Bytes left for frames with their rows. */
  get room(): number {
    return this.#capacity - this.#position - this.#frames * FRAME_ROW_BYTES - this.#blobs * BLOB_ROW_BYTES - TAIL_BYTES;
  }

  fits(storedBytes: number, blobs: number): boolean {
    const trailer = (this.#frames + 1) * FRAME_ROW_BYTES + (this.#blobs + blobs) * BLOB_ROW_BYTES;
    return (
      this.#blobs + blobs <= MAX_BLOBS_PER_PACK && this.#position + storedBytes + trailer + TAIL_BYTES <= this.#capacity
    );
  }

  /** Adds one frame that fits. `stored` is copied. */
  addFrame(
    stored: Uint8Array,
    frame: { readonly rawLength: number; readonly compressed: boolean },
    blobs: FrameBlobs,
  ): void {
    this.#copyIn(stored, this.#position);
    this.#addFrameRow(stored.length, frame.rawLength, frame.compressed ? 1 : 0);
    this.#reserveBlobs(blobs.count);
    let offset = 0;
    for (let i = 0; i < blobs.count; i++) {
      const at = this.#blobs * BLOB_ROW_BYTES;
      this.#blobRows.set(blobs.ids.subarray(i * 32, i * 32 + 32), at);
      writeU32(this.#blobRows, at + 32, this.#frames - 1);
      writeU32(this.#blobRows, at + 36, offset);
      writeU32(this.#blobRows, at + 40, blobs.lengths[i]!);
      this.#blobRows[at + 44] = blobs.kinds[i]!;
      this.#records[this.#blobs] = blobs.records[i]!;
      this.#blobs++;
      offset += blobs.lengths[i]!;
    }
  }

  /** What was added so far, for another packer to take over (framesOf). */
  get open(): OpenPack {
    return {
      area: this.area,
      frameRows: this.#frameRows.slice(0, this.#frames * FRAME_ROW_BYTES),
      blobRows: this.#blobRows.slice(0, this.#blobs * BLOB_ROW_BYTES),
      records: this.#records.slice(0, this.#blobs),
    };
  }

  /**
   * Seals the pack: full, or when `short` is given with the smallest page count of the ladder that holds it. Checks
   * what it made by opening it again (format.md §4: a writer must, before a pack leaves its hands). The last call.
   */
  seal(identity: PackIdentity, bulk: BulkCrypto, random32: Uint8Array, size: 'full' | 'short'): UnnamedPack {
    const contents: PackContents = {
      frames: this.#frameRows.slice(0, this.#frames * FRAME_ROW_BYTES),
      blobs: this.#blobRows.slice(0, this.#blobs * BLOB_ROW_BYTES),
    };
    const trailerLength = contents.frames.length + contents.blobs.length;
    const needed = Math.ceil((this.#position + trailerLength + TAIL_BYTES) / PAGE_BYTES);
    const pageCount = size === 'full' ? fullPages(this.kind) : ladderPages(this.kind, needed);
    const trailerAt = pageCount * PAGE_BYTES - TAIL_BYTES - trailerLength;
    const tail = encodeTail(trailerAt, contents);
    this.#zero(this.#position, trailerAt);
    this.#copyIn(contents.frames, trailerAt);
    this.#copyIn(contents.blobs, trailerAt + contents.frames.length);
    this.#copyIn(tail, pageCount * PAGE_BYTES - TAIL_BYTES);
    const packSalt = hedgedSalt(random32, this.#trailerDigest(bulk, contents, tail));
    const header = encodePackHeader({
      kind: this.kind,
      vaultId: identity.vaultId,
      sessionId: identity.sessionId,
      pageCount,
      packSalt,
    });
    this.area.set(header, 0);
    const key = packKey(identity.sessionKey, header);
    const witness = (random32[0]! | (random32[1]! << 8)) % pageCount;
    const plain = this.#pages.slice(witness * SEALED_PAGE_BYTES, witness * SEALED_PAGE_BYTES + PAGE_BYTES);
    bulk.sealPages(key, this.#pages, 0, pageCount);
    this.#verify({ bulk, key, header, pageCount, contents, witness, plain });
    const length = PACK_HEADER_LENGTH + pageCount * SEALED_PAGE_BYTES;
    const records = this.#records.slice(0, this.#blobs);
    for (const rows of [this.#frameRows, this.#blobRows, this.#records]) freeBytes(rows);
    return { kind: this.kind, packSalt, pageCount, length, contents, records };
  }

  #trailerDigest(bulk: BulkCrypto, contents: PackContents, tail: Uint8Array): Uint8Array {
    const trailer = new Uint8Array(contents.frames.length + contents.blobs.length + TAIL_BYTES);
    trailer.set(contents.frames);
    trailer.set(contents.blobs, contents.frames.length);
    trailer.set(tail, trailer.length - TAIL_BYTES);
    const digest = new Uint8Array(32);
    bulk.sha256(trailer, digest);
    freeBytes(trailer);
    return digest;
  }

  #verify(made: {
    readonly bulk: BulkCrypto;
    readonly key: Uint8Array;
    readonly header: Uint8Array;
    readonly pageCount: number;
    readonly contents: PackContents;
    readonly witness: number;
    readonly plain: Uint8Array;
  }): void {
    const failed = (what: string): EngineError =>
      new EngineError(
        'damaged',
        `seal pack: ${what} does not read back; this machine's memory or processor may be faulty`,
      );
    if (!equalBytes(this.area.subarray(0, PACK_HEADER_LENGTH), made.header)) throw failed('the header');
    parsePackHeader(this.area);
    const witness = this.#open(made.bulk, made.key, made.witness, 1);
    if (witness === undefined || !equalBytes(witness, made.plain)) throw failed('a page');
    const trailerLength = made.contents.frames.length + made.contents.blobs.length;
    const size = made.pageCount * PAGE_BYTES;
    const firstPage = Math.floor((size - TAIL_BYTES - trailerLength) / PAGE_BYTES);
    const end = this.#open(made.bulk, made.key, firstPage, made.pageCount - firstPage);
    if (end === undefined) throw failed('the trailer');
    const tail = parseTail(end.subarray(end.length - TAIL_BYTES), size);
    const at = tail.trailerOffset - firstPage * PAGE_BYTES;
    const frames = end.subarray(at, at + made.contents.frames.length);
    const blobs = end.subarray(at + frames.length, at + trailerLength);
    if (!equalBytes(frames, made.contents.frames) || !equalBytes(blobs, made.contents.blobs))
      throw failed('the trailer');
    freeBytes(end);
  }

  /** Plaintext of sealed pages, from a copy. */
  #open(bulk: BulkCrypto, key: Uint8Array, first: number, count: number): Uint8Array | undefined {
    const copy = this.#pages.slice(first * SEALED_PAGE_BYTES, (first + count) * SEALED_PAGE_BYTES);
    if (bulk.openPages(key, copy, first, count) !== count) return undefined;
    const plain = copyOut(copy, 0, count * PAGE_BYTES);
    freeBytes(copy);
    return plain;
  }

  #addFrameRow(stored: number, raw: number, compression: number): void {
    if ((this.#frames + 1) * FRAME_ROW_BYTES > this.#frameRows.length) {
      const grown = new Uint8Array(this.#frameRows.length * 2);
      grown.set(this.#frameRows);
      freeBytes(this.#frameRows);
      this.#frameRows = grown;
    }
    const at = this.#frames * FRAME_ROW_BYTES;
    writeU32(this.#frameRows, at, this.#position);
    writeU32(this.#frameRows, at + 4, stored);
    writeU32(this.#frameRows, at + 8, raw);
    writeU32(this.#frameRows, at + 12, compression);
    this.#frames++;
    this.#position += stored;
  }

  #reserveBlobs(more: number): void {
    const needed = this.#blobs + more;
    if (needed <= this.#records.length) return;
    const count = Math.max(needed, this.#records.length * 2);
    const rows = new Uint8Array(count * BLOB_ROW_BYTES);
    rows.set(this.#blobRows);
    freeBytes(this.#blobRows);
    this.#blobRows = rows;
    const records = new Uint32Array(count);
    records.set(this.#records);
    freeBytes(this.#records);
    this.#records = records;
  }

  #copyIn(bytes: Uint8Array, position: number): void {
    let done = 0;
    while (done < bytes.length) {
      const at = position + done;
      const inPage = at % PAGE_BYTES;
      const run = Math.min(PAGE_BYTES - inPage, bytes.length - done);
      copyBytes(
        this.#pages.subarray(Math.floor(at / PAGE_BYTES) * SEALED_PAGE_BYTES + inPage),
        bytes.subarray(done, done + run),
      );
      done += run;
    }
  }

  #zero(from: number, to: number): void {
    for (let at = from; at < to; ) {
      const inPage = at % PAGE_BYTES;
      const run = Math.min(PAGE_BYTES - inPage, to - at);
      const start = Math.floor(at / PAGE_BYTES) * SEALED_PAGE_BYTES + inPage;
      this.#pages.fill(0, start, start + run);
      at += run;
    }
  }
}

/** An unsealed pack as another thread sees it. */
export interface OpenPack {
  readonly area: Uint8Array;
  readonly frameRows: Uint8Array;
  readonly blobRows: Uint8Array;
  readonly records: Uint32Array;
}

/** A frame taken out of an open pack. */
interface OpenFrame {
  readonly stored: Uint8Array;
  readonly rawLength: number;
  readonly compressed: boolean;
  readonly blobs: FrameBlobs;
}

/** Frames of an open pack in their order, each copied out of its area, to where `space` says, when it is asked for. */
export function* framesOf(pack: OpenPack, space: (length: number) => Uint8Array): Generator<OpenFrame> {
  const pages = pack.area.subarray(PACK_HEADER_LENGTH);
  const total = pack.blobRows.length / BLOB_ROW_BYTES;
  let blob = 0;
  for (let row = 0; row < pack.frameRows.length; row += FRAME_ROW_BYTES) {
    const first = blob;
    while (blob < total && readU32(pack.blobRows, blob * BLOB_ROW_BYTES + 32) === row / FRAME_ROW_BYTES) blob++;
    yield {
      stored: copyOutTo(space(readU32(pack.frameRows, row + 4)), pages, readU32(pack.frameRows, row)),
      rawLength: readU32(pack.frameRows, row + 8),
      compressed: pack.frameRows[row + 12] === 1,
      blobs: blobsOf(pack, first, blob),
    };
  }
}

function blobsOf(pack: OpenPack, first: number, end: number): FrameBlobs {
  const count = end - first;
  const rows = Array.from({ length: count }, (_, i) => (first + i) * BLOB_ROW_BYTES);
  const ids = new Uint8Array(count * 32);
  rows.forEach((at, i) => ids.set(pack.blobRows.subarray(at, at + 32), i * 32));
  return {
    ids,
    lengths: rows.map((at) => readU32(pack.blobRows, at + 40)),
    records: pack.records.subarray(first, end),
    kinds: rows.map((at) => pack.blobRows[at + 44]!),
    count,
  };
}

/** Plaintext bytes out of an area with the page layout, as one copy. */
export function copyOut(pages: Uint8Array, position: number, length: number): Uint8Array {
  return copyOutTo(new Uint8Array(length), pages, position);
}

function copyOutTo(out: Uint8Array, pages: Uint8Array, position: number): Uint8Array {
  let done = 0;
  while (done < out.length) {
    const at = position + done;
    const inPage = at % PAGE_BYTES;
    const run = Math.min(PAGE_BYTES - inPage, out.length - done);
    const start = Math.floor(at / PAGE_BYTES) * SEALED_PAGE_BYTES + inPage;
    copyBytes(out.subarray(done), pages.subarray(start, start + run));
    done += run;
  }
  return out;
}
