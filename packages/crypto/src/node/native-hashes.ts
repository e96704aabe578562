/** SHA-256 of packs and names of blobs by OpenSSL's own functions. */
import type { NativeFunction, NativeLibrary } from '@keephold/ffi';
import type { BlobToName, BulkCrypto } from './bulk-contract.ts';
import { hmacPads } from './page-layout.ts';
import { BLOCK_BYTES, createSha256Lanes, type LaneInput, type Sha256Lanes } from './sha256-lanes.ts';

/** Room for OpenSSL's SHA256_CTX (28 words on every platform it has). */
const CONTEXT_WORDS = 32;
/** Its word that counts bytes waiting for the rest of their block. */
const WAITING_WORD = 26;
/** Shorter runs are not worth a call for two. */
const MIN_LANE_BYTES = 1024;

export interface HashFunctions {
  /** SHA256(data, length, out) */
  readonly digest: NativeFunction;
  readonly init: NativeFunction;
  readonly update: NativeFunction;
  readonly final: NativeFunction;
}

export type NativeHashes = Pick<BulkCrypto, 'sha256' | 'blobId' | 'blobIds'>;

export function nativeHashes(functions: HashFunctions, idKey: Uint8Array, library: NativeLibrary): NativeHashes {
  const single = new BlobHash(functions, idKey, library);
  const lanes = createSha256Lanes(library);
  const pair = lanes && new BlobPair(lanes, single, new BlobHash(functions, idKey, library));
  return {
    sha256(bytes, out) {
      functions.digest(bytes, bytes.length, out);
    },
    blobId(kind, plaintext, id) {
      single.begin({ kind, pieces: [plaintext], id });
      single.end();
    },
    blobIds(blobs) {
      if (pair !== undefined) pair.name(blobs);
      else
        for (const blob of blobs) {
          single.begin(blob);
          single.end();
        }
    },
  };
}

/** HMAC of one blob after the other, in steps: whole blocks may be hashed by somebody else. */
class BlobHash implements LaneInput {
  readonly context: Uint32Array = new Uint32Array(CONTEXT_WORDS);
  /** Where the whole blocks that are ready stand, and how many those are. */
  address = 0;
  blocks = 0;
  readonly #functions: HashFunctions;
  readonly #library: NativeLibrary;
  /** One state per blob kind, with the inner pad and the kind byte already absorbed. */
  readonly #begun: readonly Uint32Array[];
  readonly #outer = new Uint8Array(96);
  readonly #inner: Uint8Array = this.#outer.subarray(64);
  #blob: BlobToName | undefined;
  #piece = 0;
  #at = 0;

  constructor(functions: HashFunctions, idKey: Uint8Array, library: NativeLibrary) {
    this.#functions = functions;
    this.#library = library;
    const pads = hmacPads(idKey);
    this.#outer.set(pads.outer);
    this.#begun = [1, 2, 3].map((kind) => {
      const state = new Uint32Array(CONTEXT_WORDS);
      functions.init(state);
      functions.update(state, pads.inner, 64);
      functions.update(state, new Uint8Array([kind]), 1);
      return state;
    });
  }

  begin(blob: BlobToName): void {
    this.#blob = blob;
    this.#piece = 0;
    this.#at = 0;
    this.blocks = 0;
    this.context.set(this.#begun[blob.kind - 1]!);
  }

  /** Hashes up to where many whole blocks stand in one run; false: there is none any more, the blob has its id. */
  advance(): boolean {
    const blob = this.#blob;
    if (blob === undefined) return false;
    for (; this.#piece < blob.pieces.length; this.#piece++, this.#at = 0) {
      const piece = blob.pieces[this.#piece]!;
      if (piece.length - this.#at >= MIN_LANE_BYTES) {
        if (this.context[WAITING_WORD] !== 0) this.#feed(piece, BLOCK_BYTES - this.context[WAITING_WORD]!);
        this.blocks = Math.floor((piece.length - this.#at) / BLOCK_BYTES);
        this.address = this.#library.addressOf(piece) + this.#at;
        return true;
      }
      this.#feed(piece, piece.length - this.#at);
    }
    this.#finish(blob.id);
    return false;
  }

  /** So many of the blocks were hashed. */
  skip(blocks: number): void {
    this.#at += blocks * BLOCK_BYTES;
    this.address += blocks * BLOCK_BYTES;
    this.blocks -= blocks;
  }

  /** Hashes what is left. */
  end(): void {
    const blob = this.#blob;
    if (blob === undefined) return;
    for (; this.#piece < blob.pieces.length; this.#piece++, this.#at = 0) {
      const piece = blob.pieces[this.#piece]!;
      this.#feed(piece, piece.length - this.#at);
    }
    this.blocks = 0;
    this.#finish(blob.id);
  }

  #feed(piece: Uint8Array, length: number): void {
    if (length === 0) return;
    this.#functions.update(this.context, this.#at === 0 ? piece : piece.subarray(this.#at), length);
    this.#at += length;
  }

  #finish(id: Uint8Array): void {
    this.#blob = undefined;
    this.#functions.final(this.#inner, this.context);
    this.#functions.digest(this.#outer, 96, id);
  }
}

/** Names blobs in two lanes: whichever is done takes the next blob. */
class BlobPair {
  readonly #lanes: Sha256Lanes;
  readonly #left: BlobHash;
  readonly #right: BlobHash;
  #blobs: readonly BlobToName[] = [];
  #next = 0;

  constructor(lanes: Sha256Lanes, left: BlobHash, right: BlobHash) {
    this.#lanes = lanes;
    this.#left = left;
    this.#right = right;
  }

  name(blobs: readonly BlobToName[]): void {
    this.#blobs = blobs;
    this.#next = 0;
    const left = this.#left;
    const right = this.#right;
    while (this.#fill(left) && this.#fill(right)) {
      const blocks = Math.min(left.blocks, right.blocks);
      this.#lanes.update(left, right, blocks);
      left.skip(blocks);
      right.skip(blocks);
    }
    left.end();
    right.end();
    this.#blobs = [];
  }

  /** Whether the lane has blocks to hash. */
  #fill(lane: BlobHash): boolean {
    while (lane.blocks === 0) {
      if (lane.advance()) return true;
      if (this.#next === this.#blobs.length) return false;
      lane.begin(this.#blobs[this.#next++]!);
    }
    return true;
  }
}
