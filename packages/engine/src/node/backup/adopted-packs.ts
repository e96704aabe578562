/**
 * Packs that an earlier run of this device stored and no commit names, because it was killed. Their blobs count as
 * stored by this run; the next commit names those that are used, a checkpoint all of them. The keeper looks at each when
 * it is committed: one that is gone by then is answered as missing, like any other.
 */
import { equalBytes } from '@keephold/bytes';
import type { SessionId } from '@keephold/protocol';
import type { IndexedPack } from '../../index-object.ts';
import { blobCount } from '../../pack-contents.ts';
import { ARENA_RECORDS } from '../known-blobs/blob-arena.ts';
import type { KnownBlobStore } from '../known-blobs/known-blob-store.ts';
import type { UploadJournal } from './upload-journal.ts';
import type { UsedPacks } from './used-packs.ts';

/** The rest is for what this run stores. */
const MOST_BLOBS: number = ARENA_RECORDS / 2;
/** A session id begins with the id of its chain (format.md §5). */
const CHAIN_ID_BYTES = 12;

export interface Adoption {
  readonly journal: UploadJournal;
  /** With an empty arena: the first records are those of adopted blobs. */
  readonly known: KnownBlobStore;
  /** Of this run. */
  readonly sessionId: SessionId;
  readonly isGone: (packId: Uint8Array) => boolean;
}

export class AdoptedPacks {
  readonly #known: KnownBlobStore;
  /** Records of adopted blobs: from here … */
  readonly #first: number;
  /** … to here. */
  #end: number;
  /** Not named by a commit so far, with where the records of each end. */
  #packs: { readonly pack: IndexedPack; readonly number: number; readonly end: number }[] = [];

  private constructor(known: KnownBlobStore) {
    this.#known = known;
    this.#first = known.known.arena.firstRecord;
    this.#end = this.#first;
  }

  static async adopt({ journal, known, sessionId, isGone }: Adoption): Promise<AdoptedPacks> {
    const adopted = new AdoptedPacks(known);
    let blobs = 0;
    for await (const pack of journal.earlier()) {
      // A commit names the session objects of its packs, and this run has that of its own chain.
      if (isGone(pack.packId) || !isOfChain(pack.sessionId, sessionId)) continue;
      blobs += blobCount(pack.contents);
      if (blobs > MOST_BLOBS) break;
      adopted.#add(pack);
    }
    return adopted;
  }

  /** The pack of a blob that was adopted, by the record it got; undefined for one that this run stored itself. */
  numberOf(record: number): number | undefined {
    return record < this.#end ? this.#known.packOf(record) : undefined;
  }

  /** All of them, to be named by a commit. */
  takeAll(): readonly IndexedPack[] {
    return this.#packs.splice(0).map(({ pack }) => pack);
  }

  /** Those that are used, to be named by a commit; what the others hold is not known any more. */
  takeUsed(used: UsedPacks): readonly IndexedPack[] {
    let from = this.#first;
    const taken: IndexedPack[] = [];
    for (const { pack, number, end } of this.#packs.splice(0)) {
      if (used.has(number)) taken.push(pack);
      else this.#known.unsetPacks(from, end);
      from = end;
    }
    return taken;
  }

  #add(pack: IndexedPack): void {
    const known = this.#known;
    const number = known.packNumber(pack.packId);
    // Nothing that was not known: a commit did name it, after all.
    if (known.adopt(number, pack.contents.blobs) === 0) return;
    const { arena } = known.known;
    this.#end = arena.firstRecord + arena.size;
    this.#packs.push({ pack, number, end: this.#end });
  }
}

function isOfChain(sessionId: SessionId, other: SessionId): boolean {
  return equalBytes(sessionId.subarray(0, CHAIN_ID_BYTES), other.subarray(0, CHAIN_ID_BYTES));
}
