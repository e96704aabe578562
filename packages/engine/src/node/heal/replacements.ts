/**
 * Where the blobs of lost packs stand again: two passes over the index objects that this device signed, keeping only what
 * the lost packs held. Index keys suffice: a device that cannot read heals as well.
 */
import { toHex } from '@keephold/bytes';
import type { IndexKey } from '@keephold/crypto';
import { containsPackId, type DeviceId, type PackIdList, type ReadingCustody, sortPackIds } from '@keephold/protocol';
import { BLOB_ROW_BYTES } from '../../pack-contents.ts';
import type { CommitLog } from '../../reading/commit-log.ts';
import { IdTable } from '../../reading/id-table.ts';
import { type OpenedIndex, readIndexObjects } from '../../reading/index-stream.ts';

export interface ReplacementOptions {
  readonly custody: Pick<ReadingCustody, 'getObjects'>;
  readonly log: CommitLog;
  readonly indexKeys: ReadonlyMap<number, IndexKey>;
  /** Other devices' words about what a pack holds are not relied on (security.md §3.4 P1). */
  readonly deviceId: DeviceId;
  readonly lost: PackIdList;
  /** Packs that are there. */
  readonly referable: PackIdList;
}

export class Replacements {
  readonly #lost = new Map<string, Uint8Array>();
  readonly #wanted = new IdTable();
  readonly #packs: Uint8Array[] = [];
  /** Number in #packs + 1 by blob number; 0: nowhere. */
  #place = new Uint32Array(0);

  static async find(options: ReplacementOptions): Promise<Replacements> {
    const found = new Replacements();
    for await (const { packs } of ownIndexes(options)) {
      for (const { packId, contents } of packs) {
        if (!containsPackId(options.lost, packId)) continue;
        found.#lost.set(toHex(packId), contents.blobs.slice());
        for (let at = 0; at < contents.blobs.length; at += BLOB_ROW_BYTES) found.#wanted.add(contents.blobs, at);
      }
    }
    found.#place = new Uint32Array(found.#wanted.size);
    for await (const { packs } of ownIndexes(options)) {
      for (const { packId, contents } of packs) {
        if (containsPackId(options.referable, packId)) found.#addPack(packId, contents.blobs);
      }
    }
    return found;
  }

  /** Packs that hold again what the lost packs of a snapshot held, and how many of the blobs nothing holds. */
  of(lost: readonly Uint8Array[]): { readonly packs: PackIdList; readonly missing: number } {
    const used = new Set<number>();
    let missing = 0;
    for (const packId of lost) {
      const rows = this.#lost.get(toHex(packId)) ?? new Uint8Array(0);
      for (let at = 0; at < rows.length; at += BLOB_ROW_BYTES) {
        const place = this.#place[this.#wanted.find(rows, at)]!;
        if (place === 0) missing++;
        else used.add(place - 1);
      }
    }
    return { packs: sortPackIds([...used].map((pack) => this.#packs[pack]!)), missing };
  }

  /** Newer places win: what was stored again lies together in the newest packs. */
  #addPack(packId: Uint8Array, rows: Uint8Array): void {
    let number = 0;
    for (let at = 0; at < rows.length; at += BLOB_ROW_BYTES) {
      const blob = this.#wanted.find(rows, at);
      if (blob < 0) continue;
      if (number === 0) number = this.#packs.push(packId.slice());
      this.#place[blob] = number;
    }
  }
}

async function* ownIndexes({ custody, log, indexKeys, deviceId }: ReplacementOptions): AsyncGenerator<OpenedIndex> {
  const device = toHex(deviceId);
  const indexes = readIndexObjects({ custody, log, indexKeys, kind: 'all', onDamage: () => undefined });
  for await (const opened of indexes) if (toHex(opened.entry.deviceId) === device) yield opened;
}
