/**
 * Where blobs stand. Memory grows with the blobs kept, never with the repository: of a pack only its record and its
 * frames are held, of a blob one row per place.
 *
 * A blob may have several places, some of them false (security.md §3.4 P3): packs of the snapshot's refset come first,
 * newer before older. Nothing here is believed; whoever reads a place recomputes the blob id.
 */
import { type PackKind, readU32, toHex } from '@keephold/bytes';
import type { DeviceId, PackId, SessionId } from '@keephold/protocol';
import type { IndexedPack } from '../index-object.ts';
import { BLOB_ROW_BYTES, type BlobKind, FRAME_ROW_BYTES } from '../pack-contents.ts';
import { IdTable } from './id-table.ts';

/** What is needed to read a pack by ranges: its header can be rebuilt from it. */
export interface PackRecord {
  readonly packId: PackId;
  readonly packSalt: Uint8Array;
  readonly pageCount: number;
  readonly kind: PackKind;
  readonly sessionId: SessionId;
}

export interface LocatedPack extends PackRecord {
  /** Frame rows of its trailer. */
  readonly frames: Uint8Array;
  /** Whether it is to be read before others: the snapshot's refset has it. */
  readonly preferred: boolean;
}

export interface BlobPlace {
  readonly pack: LocatedPack;
  /** Number of the frame in the pack. */
  readonly frame: number;
  /** In the frame's plaintext. */
  readonly offset: number;
  readonly length: number;
  readonly kind: BlobKind;
}

/** One frame of a pack. */
export interface FrameRow {
  /** In the pack's plaintext. */
  readonly offset: number;
  readonly storedLength: number;
  readonly rawLength: number;
  readonly compressed: boolean;
}

/** The frame with this number; it was checked when the index was parsed. */
export function frameRow({ frames }: Pick<LocatedPack, 'frames'>, frame: number): FrameRow {
  const at = frame * FRAME_ROW_BYTES;
  return {
    offset: readU32(frames, at),
    storedLength: readU32(frames, at + 4),
    rawLength: readU32(frames, at + 8),
    compressed: frames[at + 12] === 1,
  };
}

// Words of a place: pack, frame, offset, length, kind, next place + 1.
const PLACE_WORDS = 6;
const NEXT = 5;

export class BlobLocations {
  /** Numbers of the ids, as `wanted` has them. */
  readonly ids: IdTable;
  readonly #addsIds: boolean;
  readonly #packs: LocatedPack[] = [];
  /** Pack and author: a false record of another device must not hide the true one. */
  readonly #seen = new Set<string>();
  #places = new Uint32Array(64 * PLACE_WORDS);
  #placeCount = 0;
  /** First place + 1 by id number: of preferred packs, and of others. */
  #preferred = new Uint32Array(64);
  #others = new Uint32Array(64);

  /** Only the ids in `wanted` are kept; without it every blob of the packs added. */
  constructor(wanted?: IdTable) {
    this.ids = wanted ?? new IdTable();
    this.#addsIds = wanted === undefined;
  }

  /** Packs that hold anything kept. */
  get packs(): readonly LocatedPack[] {
    return this.#packs;
  }

  /** Takes what is wanted from a pack as an index object lists it that a commit of `author` names. */
  addPack(pack: IndexedPack, from: { readonly author: DeviceId; readonly preferred: boolean }): void {
    const key = toHex(pack.packId) + toHex(from.author);
    if (this.#seen.has(key)) return;
    let packNumber = -1;
    const { blobs } = pack.contents;
    for (let at = 0; at < blobs.length; at += BLOB_ROW_BYTES) {
      const id = this.#addsIds ? this.ids.add(blobs, at) : this.ids.find(blobs, at);
      if (id < 0) continue;
      if (packNumber < 0) {
        packNumber = this.#packs.length;
        this.#packs.push(located(pack, from.preferred));
        this.#seen.add(key);
      }
      this.#addPlace(id, packNumber, blobs.subarray(at, at + BLOB_ROW_BYTES));
    }
  }

  /** Whether any place of the blob is known. */
  has(id: Uint8Array): boolean {
    return this.firstPlace(this.ids.find(id)) !== undefined;
  }

  /** All places of a blob, the best first. */
  places(id: Uint8Array): readonly BlobPlace[] {
    const number = this.ids.find(id);
    if (number < 0) return [];
    return [...this.#list(this.#preferred[number]), ...this.#list(this.#others[number])];
  }

  /** The best place of the id with this number. */
  firstPlace(number: number): BlobPlace | undefined {
    const place = number < 0 ? 0 : this.#preferred[number] || this.#others[number] || 0;
    return place === 0 ? undefined : this.#place(place - 1);
  }

  #addPlace(id: number, pack: number, row: Uint8Array): void {
    this.#reserve(id);
    const heads = (this.#packs[pack] as LocatedPack).preferred ? this.#preferred : this.#others;
    const at = this.#placeCount * PLACE_WORDS;
    this.#places[at] = pack;
    this.#places[at + 1] = readU32(row, 32);
    this.#places[at + 2] = readU32(row, 36);
    this.#places[at + 3] = readU32(row, 40);
    this.#places[at + 4] = row[44] as number;
    this.#places[at + NEXT] = heads[id] as number;
    heads[id] = ++this.#placeCount;
  }

  #reserve(id: number): void {
    if ((this.#placeCount + 1) * PLACE_WORDS > this.#places.length) this.#places = grown(this.#places, 0);
    if (id < this.#preferred.length) return;
    this.#preferred = grown(this.#preferred, id + 1);
    this.#others = grown(this.#others, id + 1);
  }

  *#list(head: number | undefined): Generator<BlobPlace> {
    for (let place = head ?? 0; place !== 0; place = this.#places[(place - 1) * PLACE_WORDS + NEXT] as number) {
      yield this.#place(place - 1);
    }
  }

  #place(place: number): BlobPlace {
    const at = place * PLACE_WORDS;
    const word = (i: number): number => this.#places[at + i] as number;
    return {
      pack: this.#packs[word(0)] as LocatedPack,
      frame: word(1),
      offset: word(2),
      length: word(3),
      kind: word(4) as BlobKind,
    };
  }
}

/** Everything but the rows of its blobs. */
function located(pack: IndexedPack, preferred: boolean): LocatedPack {
  const { packId, packSalt, pageCount, kind, sessionId, contents } = pack;
  return { packId, packSalt, pageCount, kind, sessionId, frames: contents.frames, preferred };
}

function grown(array: Uint32Array, atLeast: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(Math.max(array.length * 2, atLeast));
  larger.set(array);
  return larger;
}
