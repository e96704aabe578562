/** The packs that index objects list and that a snapshot needs, with a number each, and which blobs they hold. */
import { toHex } from '@keephold/bytes';
import type { PackIdList } from '@keephold/protocol';
import { packIdAt, packIdCount } from '@keephold/protocol';
import type { IndexedPack } from '../../index-object.ts';
import type { PackRecord } from '../../reading/blob-locations.ts';
import { BlobTable } from './blob-table.ts';

export class PackCatalog {
  readonly blobs: BlobTable = new BlobTable();
  readonly records: PackRecord[] = [];
  readonly #numbers = new Map<string, number>();

  /** Takes a pack in unless another index object listed it before. Answers its number, −1 when it was known. */
  add({ packId, packSalt, pageCount, kind, sessionId, contents }: IndexedPack): number {
    const name = toHex(packId);
    if (this.#numbers.has(name)) return -1;
    const number = this.records.push({ packId, packSalt, pageCount, kind, sessionId }) - 1;
    this.#numbers.set(name, number);
    this.blobs.addPack(number, contents.blobs);
    return number;
  }

  numberOf(packId: Uint8Array): number | undefined {
    return this.#numbers.get(toHex(packId));
  }

  /** A flag for every pack number: 1 when the refset has it. Packs that no index lists are told. */
  flags(refset: PackIdList, onUnknown: (packId: Uint8Array) => void): Uint8Array {
    const flags = new Uint8Array(this.records.length);
    for (let i = 0; i < packIdCount(refset); i++) {
      const packId = packIdAt(refset, i);
      const number = this.numberOf(packId);
      if (number === undefined) onUnknown(packId);
      else flags[number] = 1;
    }
    return flags;
  }
}
