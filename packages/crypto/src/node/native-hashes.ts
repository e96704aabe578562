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

export type NativeHashes = Pick<BulkCrypto, 'sha256' | 'beginSha256' | 'endSha256' | 'blobId' | 'blobIds'>;

export function nativeHashes(functions: HashFunctions, idKey: Uint8Array, library: NativeLibrary): NativeHashes {
  const lanes = createSha256Lanes(library);
  const newHash = (): MessageHash => new MessageHash(functions, library);
  const hmac = new BlobHmac(functions, idKey);
  const single = newHash();
  const beside = newHash();
  const pair = lanes && new HashPair(lanes, hmac, [single, newHash()]);
  return {
    sha256(bytes, out) {
      functions.digest(bytes, bytes.length, out);
    },
    beginSha256(bytes, out, onDone) {
      beside.end();
      beside.begin(plainSha256(functions, bytes, { out, onDone }));
      if (lanes === undefined) beside.end();
    },
    endSha256() {
      beside.end();
    },
    blobId(kind, plaintext, id) {
      single.begin(hmac.message({ kind, pieces: [plaintext], id }));
      if (lanes !== undefined) hashBeside(lanes, single, beside);
      single.end();
    },
    blobIds(blobs) {
      if (pair !== undefined) pair.name(blobs);
      else
        for (const blob of blobs) {
          single.begin(hmac.message(blob));
          single.end();
        }
    },
  };
}

/** A message to be hashed. */
interface Message {
  /** State of the hash before the first piece: a SHA256_CTX. */
  readonly begun: Uint32Array;
  readonly pieces: readonly Uint8Array[];
  /** Takes what the hash ends with. */
  readonly finish: (context: Uint32Array) => void;
}

function plainSha256(
  { init, final }: HashFunctions,
  bytes: Uint8Array,
  { out, onDone }: { readonly out: Uint8Array; readonly onDone: () => void },
): Message {
  const begun = new Uint32Array(CONTEXT_WORDS);
  init(begun);
  return {
    begun,
    pieces: [bytes],
    finish(context) {
      final(out, context);
      onDone();
    },
  };
}

/** HMAC-SHA256(idKey, kind ‖ plaintext). */
class BlobHmac {
  readonly #functions: HashFunctions;
  /** One state per blob kind, with the inner pad and the kind byte already absorbed. */
  readonly #begun: readonly Uint32Array[];
  readonly #outer = new Uint8Array(96);
  readonly #inner: Uint8Array = this.#outer.subarray(64);

  constructor(functions: HashFunctions, idKey: Uint8Array) {
    this.#functions = functions;
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

  message({ kind, pieces, id }: BlobToName): Message {
    return { begun: this.#begun[kind - 1]!, pieces, finish: (context) => this.#finish(context, id) };
  }

  #finish(context: Uint32Array, id: Uint8Array): void {
    this.#functions.final(this.#inner, context);
    this.#functions.digest(this.#outer, 96, id);
  }
}

/** Hashes one message after the other, in steps: whole blocks may be hashed by somebody else. */
class MessageHash implements LaneInput {
  readonly context: Uint32Array = new Uint32Array(CONTEXT_WORDS);
  /** Where the whole blocks that are ready stand, and how many those are. */
  address = 0;
  blocks = 0;
  readonly #functions: HashFunctions;
  readonly #library: NativeLibrary;
  #message: Message | undefined;
  #piece = 0;
  #at = 0;

  constructor(functions: HashFunctions, library: NativeLibrary) {
    this.#functions = functions;
    this.#library = library;
  }

  begin(message: Message): void {
    this.#message = message;
    this.#piece = 0;
    this.#at = 0;
    this.blocks = 0;
    this.context.set(message.begun);
  }

  /** Hashes up to where many whole blocks stand in one run; false: there is none any more, the message is done. */
  advance(): boolean {
    if (this.blocks > 0) return true;
    const message = this.#message;
    if (message === undefined) return false;
    for (; this.#piece < message.pieces.length; this.#piece++, this.#at = 0) {
      const piece = message.pieces[this.#piece]!;
      if (piece.length - this.#at >= MIN_LANE_BYTES) {
        if (this.context[WAITING_WORD] !== 0) this.#feed(piece, BLOCK_BYTES - this.context[WAITING_WORD]!);
        this.blocks = Math.floor((piece.length - this.#at) / BLOCK_BYTES);
        this.address = this.#library.addressOf(piece) + this.#at;
        return true;
      }
      this.#feed(piece, piece.length - this.#at);
    }
    this.#finish(message);
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
    const message = this.#message;
    if (message === undefined) return;
    for (; this.#piece < message.pieces.length; this.#piece++, this.#at = 0) {
      const piece = message.pieces[this.#piece]!;
      this.#feed(piece, piece.length - this.#at);
    }
    this.blocks = 0;
    this.#finish(message);
  }

  #feed(piece: Uint8Array, length: number): void {
    if (length === 0) return;
    this.#functions.update(this.context, this.#at === 0 ? piece : piece.subarray(this.#at), length);
    this.#at += length;
  }

  #finish(message: Message): void {
    this.#message = undefined;
    message.finish(this.context);
  }
}

/** Two messages side by side, as long as both have blocks. */
function hashBeside(lanes: Sha256Lanes, left: MessageHash, right: MessageHash): void {
  while (left.advance() && right.advance()) {
    const blocks = Math.min(left.blocks, right.blocks);
    lanes.update(left, right, blocks);
    left.skip(blocks);
    right.skip(blocks);
  }
}

/** Names blobs in two lanes: whichever is done takes the next blob. */
class HashPair {
  readonly #lanes: Sha256Lanes;
  readonly #hmac: BlobHmac;
  readonly #hashes: readonly [MessageHash, MessageHash];

  constructor(lanes: Sha256Lanes, hmac: BlobHmac, hashes: readonly [MessageHash, MessageHash]) {
    this.#lanes = lanes;
    this.#hmac = hmac;
    this.#hashes = hashes;
  }

  name(blobs: readonly BlobToName[]): void {
    const [left, right] = this.#hashes;
    let next = 0;
    const fill = (hash: MessageHash): boolean => {
      while (!hash.advance()) {
        const blob = blobs[next++];
        if (blob === undefined) return false;
        hash.begin(this.#hmac.message(blob));
      }
      return true;
    };
    while (fill(left) && fill(right)) hashBeside(this.#lanes, left, right);
    left.end();
    right.end();
  }
}
