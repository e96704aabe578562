/**
 * Where the wanted blobs are read from: the best place of each, and the next one when that turns out damaged. Groups
 * blobs by pack, in the order in which the files want them, so that every pack is read once.
 */
import { toHex } from '@keephold/bytes';
import { BlobKind } from '../../pack-contents.ts';
import { type BlobLocations, type BlobPlace, frameRow, type LocatedPack } from '../../reading/blob-locations.ts';
import type { WantedContent } from './wanted-content.ts';

/** Blobs to be read from one pack, in its order. */
export interface PackGroup {
  readonly pack: LocatedPack;
  readonly blobs: Uint32Array;
}

export class ContentPlaces {
  readonly #content: WantedContent;
  readonly #locations: BlobLocations;
  readonly #packNumbers = new Map<LocatedPack, number>();
  readonly #packs: LocatedPack[] = [];
  /** Of each blob: pack number + 1 (0: nowhere), frame in it, offset in that. */
  readonly pack: Uint32Array;
  readonly frame: Uint32Array;
  readonly offset: Uint32Array;
  /** Places that were tried in vain; rare. */
  readonly #tried = new Map<number, number>();
  readonly #reasons = new Map<number, string>();

  constructor(content: WantedContent, locations: BlobLocations) {
    this.#content = content;
    this.#locations = locations;
    const count = content.blobs.size;
    this.pack = new Uint32Array(count);
    this.frame = new Uint32Array(count);
    this.offset = new Uint32Array(count);
    for (let blob = 0; blob < count; blob++) {
      const place = locations.firstPlace(blob);
      if (place === undefined) this.#reasons.set(blob, 'no index says where it is');
      else if (this.#fits(blob, place)) this.#take(blob, place);
      else this.nextPlace(blob, 'the index says it has another length or kind than the tree says');
    }
  }

  packAt(number: number): LocatedPack {
    return this.#packs[number - 1]!;
  }

  /** Turns to the next place of a blob after one failed; false when there is none, and why is kept. */
  nextPlace(blob: number, reason: string): boolean {
    const places = this.#locations.places(this.#content.blobs.idAt(blob));
    let tried = (this.#tried.get(blob) ?? 0) + 1;
    while (tried < places.length && !this.#fits(blob, places[tried]!)) tried++;
    this.#tried.set(blob, tried);
    if (tried < places.length) {
      this.#take(blob, places[tried]!);
      return true;
    }
    this.pack[blob] = 0;
    this.#reasons.set(blob, reason);
    return false;
  }

  /** Why a blob cannot be read. */
  reasonOf(blob: number): string {
    return `blob ${toHex(this.#content.blobs.idAt(blob)).slice(0, 16)}: ${this.#reasons.get(blob) ?? 'not tried'}`;
  }

  /** All packs needed for blobs that pass `isWanted`, in the order of the blobs' first wish. */
  groups(isWanted: (blob: number) => boolean): PackGroup[] {
    const lists = new Map<number, number[]>();
    for (let blob = 0; blob < this.pack.length; blob++) {
      const pack = this.pack[blob]!;
      if (pack === 0 || !isWanted(blob)) continue;
      const list = lists.get(pack);
      if (list === undefined) lists.set(pack, [blob]);
      else list.push(blob);
    }
    return [...lists].map(([pack, blobs]) => {
      blobs.sort((a, b) => this.frame[a]! - this.frame[b]! || this.offset[a]! - this.offset[b]!);
      return { pack: this.packAt(pack), blobs: Uint32Array.from(blobs) };
    });
  }

  /** Whether the index's record of the blob is what the tree says, and lies within its frame. */
  #fits(blob: number, place: BlobPlace): boolean {
    if (place.kind !== BlobKind.data || place.length !== this.#content.blobLengths[blob]) return false;
    return place.offset + place.length <= frameRow(place.pack, place.frame).rawLength;
  }

  #take(blob: number, place: BlobPlace): void {
    let number = this.#packNumbers.get(place.pack);
    if (number === undefined) {
      number = this.#packs.push(place.pack);
      this.#packNumbers.set(place.pack, number);
    }
    this.pack[blob] = number;
    this.frame[blob] = place.frame;
    this.offset[blob] = place.offset;
  }
}
