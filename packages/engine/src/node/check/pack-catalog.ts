/** The packs that index objects list and that a snapshot needs, with a number each, and which blobs they hold. */
import { toHex } from '@keephold/bytes';
import type { DeviceId, PackIdList } from '@keephold/protocol';
import { packIdAt, packIdCount } from '@keephold/protocol';
import type { IndexedPack } from '../../index-object.ts';
import { BlobKind } from '../../pack-contents.ts';
import type { PackRecord } from '../../reading/blob-locations.ts';
import { BlobTable } from './blob-table.ts';

export class PackCatalog {
  readonly blobs: BlobTable = new BlobTable();
  readonly records: PackRecord[] = [];
  /** By pack and author: a false record of another device must not hide the true one (security.md §3.4). */
  readonly #numbers = new Map<string, number>();
  /** All numbers of a pack. */
  readonly #ofPack = new Map<string, number[]>();

  /** Takes a pack in unless its author listed it before. Answers its number, −1 when it was known. */
  add({ packId, packSalt, pageCount, kind, sessionId, contents }: IndexedPack, author: DeviceId): number {
    const key = toHex(packId) + toHex(author);
    if (this.#numbers.has(key)) return -1;
    const number = this.records.push({ packId, packSalt, pageCount, kind, sessionId }) - 1;
    this.#numbers.set(key, number);
    this.#ofPack.set(toHex(packId), [...(this.#ofPack.get(toHex(packId)) ?? []), number]);
    this.blobs.addPack(number, contents.blobs);
    return number;
  }

  numberOf(packId: Uint8Array, author: DeviceId): number | undefined {
    return this.#numbers.get(toHex(packId) + toHex(author));
  }

  /** What a blob of a tree is, as indexes say; undefined when none lists it as one. */
  treeKindOf(id: Uint8Array): BlobKind | undefined {
    let found: BlobKind | undefined;
    this.blobs.some(id, (_pack, kind) => {
      if (kind === BlobKind.data) return false;
      found = kind;
      return true;
    });
    return found;
  }

  /** As `flags` of a refset that has every pack. */
  allFlags(): Uint8Array {
    return new Uint8Array(this.records.length).fill(1);
  }

  /** A flag for every pack number: 1 when the refset has it. Packs that no index lists are told. */
  flags(refset: PackIdList, onUnknown: (packId: Uint8Array) => void): Uint8Array {
    const flags = new Uint8Array(this.records.length);
    for (let i = 0; i < packIdCount(refset); i++) {
      const packId = packIdAt(refset, i);
      const numbers = this.#ofPack.get(toHex(packId));
      if (numbers === undefined) onUnknown(packId);
      for (const number of numbers ?? []) flags[number] = 1;
    }
    return flags;
  }
}
