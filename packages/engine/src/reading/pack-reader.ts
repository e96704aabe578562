/**
 * Reads frames out of packs (format.md §4 and §8): pages fetched by range, opened, joined, decompressed within their
 * announced length. Frames used last are kept. What it gives is what somebody sealed under the pack's key; only the
 * blob id tells whether it is what was asked for.
 */
import { toHex } from '@keephold/bytes';
import { CryptoError } from '@keephold/crypto';
import { CustodyError, MalformedRecordError, PAGE_LENGTH } from '@keephold/protocol';
import { DamagedError, MissingDataError } from '../errors.ts';
import { type FrameRow, frameRow, type LocatedPack, type PackRecord } from './blob-locations.ts';
import { ByteCache } from './byte-cache.ts';
import type { PackPages } from './pack-pages.ts';

const META = 2;
/** A walk comes back to a frame only after all that lies below a folder: more would not be met again. */
const FRAME_CACHE_BYTES = 16 * 1024 * 1024;
/** Opened meta packs whose frames are still compressed: the last two. */
const PACK_CACHE_BYTES = 8 * 1024 * 1024;
/** From this part on the whole pack is taken (format.md §4). */
const WHOLE_PACK_SHARE = 0.4;

/** Decompresses one zstd frame of exactly `rawLength` bytes; throws for anything else, before it writes more. */
export type Decompress = (frame: Uint8Array, rawLength: number) => Uint8Array;

export interface PackReaderOptions {
  readonly pages: PackPages;
  readonly decompress: Decompress;
}

interface PackState {
  /** In cache keys. */
  readonly number: number;
  /** Frames fetched one by one so far. */
  fetched: number;
}

export class PackReader {
  readonly #options: PackReaderOptions;
  readonly #states = new Map<LocatedPack, PackState>();
  readonly #frames = new ByteCache(FRAME_CACHE_BYTES);
  /** Plaintext of packs up to the end of their frames. */
  readonly #packs = new ByteCache(PACK_CACHE_BYTES);
  readonly #loading = new Map<string, Promise<Uint8Array>>();

  constructor(options: PackReaderOptions) {
    this.#options = options;
  }

  /**
   * Plaintext of one frame: shared, must not be written to.
   * @throws DamagedError, MissingDataError naming the pack
   */
  async frame(pack: LocatedPack, frame: number): Promise<Uint8Array> {
    const state = this.#stateOf(pack);
    const key = `${state.number}/${frame}`;
    return this.#frames.get(key) ?? (await this.#once(key, () => this.#loadFrame(pack, state, frame)));
  }

  #stateOf(pack: LocatedPack): PackState {
    const known = this.#states.get(pack);
    if (known !== undefined) return known;
    const state = { number: this.#states.size, fetched: 0 };
    this.#states.set(pack, state);
    return state;
  }

  /** Two readers of one frame or pack share the work. */
  async #once(key: string, load: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const running = this.#loading.get(key);
    if (running !== undefined) return await running;
    const started = load();
    this.#loading.set(key, started);
    try {
      return await started;
    } finally {
      this.#loading.delete(key);
    }
  }

  async #loadFrame(pack: LocatedPack, state: PackState, frame: number): Promise<Uint8Array> {
    try {
      const row = frameRow(pack, frame);
      const stored = await this.#storedFrame(pack, state, row);
      const raw = row.compressed ? this.#decompressed(stored, row.rawLength) : stored;
      this.#frames.set(`${state.number}/${frame}`, raw);
      return raw;
    } catch (cause) {
      throw namingPack(cause, pack);
    }
  }

  async #storedFrame(pack: LocatedPack, state: PackState, row: FrameRow): Promise<Uint8Array> {
    if (!takesWholePack(pack, state, row)) {
      state.fetched++;
      const first = Math.floor(row.offset / PAGE_LENGTH);
      const plaintext = await this.#options.pages.read(pack, first, pagesTo(row.offset + row.storedLength) - first);
      return cut(plaintext, row.offset - first * PAGE_LENGTH, row.storedLength);
    }
    const key = `${state.number}`;
    const plaintext = this.#packs.get(key) ?? (await this.#once(key, () => this.#loadPack(pack, key)));
    return cut(plaintext, row.offset, row.storedLength);
  }

  async #loadPack(pack: LocatedPack, key: string): Promise<Uint8Array> {
    const plaintext = await this.#options.pages.read(pack, 0, pagesTo(framesEnd(pack)));
    this.#packs.set(key, plaintext);
    return plaintext;
  }

  #decompressed(stored: Uint8Array, rawLength: number): Uint8Array {
    const raw = decompressOrFail(this.#options.decompress, stored, rawLength);
    if (raw.length !== rawLength) throw new DamagedError(`a frame has ${raw.length} bytes, must be ${rawLength}`);
    return raw;
  }
}

/** Who needs a second frame of a meta pack will need more: it is small, and browsing reads it in order. */
function takesWholePack(pack: LocatedPack, state: PackState, row: FrameRow): boolean {
  if (pack.kind !== META) return false;
  return state.fetched > 0 || row.storedLength >= framesEnd(pack) * WHOLE_PACK_SHARE;
}

function framesEnd(pack: LocatedPack): number {
  const last = frameRow(pack, pack.frames.length / 16 - 1);
  return last.offset + last.storedLength;
}

/** Pages that hold the first `bytes` bytes. */
function pagesTo(bytes: number): number {
  return Math.ceil(bytes / PAGE_LENGTH);
}

/** A copy, so that a small frame does not keep its pages. */
function cut(plaintext: Uint8Array, offset: number, length: number): Uint8Array {
  return plaintext.slice(offset, offset + length);
}

function decompressOrFail(decompress: Decompress, stored: Uint8Array, rawLength: number): Uint8Array {
  try {
    return decompress(stored, rawLength);
  } catch (cause) {
    throw new DamagedError('a frame does not decompress to its length', { cause });
  }
}

/** Failures of this one pack, by its name; others (no network, a bug) as they are. */
export function namingPack(cause: unknown, pack: Pick<PackRecord, 'packId'>): unknown {
  const what = `read pack ${toHex(pack.packId)}`;
  if (cause instanceof MissingDataError) return new MissingDataError(`${what}: ${cause.message}`, { cause });
  const damaged =
    cause instanceof DamagedError ||
    cause instanceof CryptoError ||
    cause instanceof MalformedRecordError ||
    (cause instanceof CustodyError && cause.code === 'damaged');
  return damaged ? new DamagedError(`${what}: ${cause.message}`, { cause }) : cause;
}
