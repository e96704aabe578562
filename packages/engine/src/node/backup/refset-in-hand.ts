/** The refset that a run commits, as a delta against the last one committed for its stream. */
import {
  type Custody,
  type PackIdList,
  type RefsetDelta,
  refsetDelta,
  sortPackIds,
  unionPackIds,
  type VaultId,
} from '@keephold/protocol';
import type { TreeCacheHead } from '../tree-cache/tree-cache-file.ts';
import { digestRefset } from './commit-snapshot.ts';

const NOTHING = new Uint8Array(0);

export class RefsetInHand {
  readonly #custody: Custody;
  readonly #vaultId: VaultId;
  #parentSeq: number | undefined;
  #parent: PackIdList | undefined;
  /** Packs of this run that earlier commits of this run named. */
  #added: PackIdList = NOTHING;
  #current: PackIdList = NOTHING;

  constructor(custody: Custody, vaultId: VaultId, head: TreeCacheHead | undefined) {
    this.#custody = custody;
    this.#vaultId = vaultId;
    this.#parentSeq = head?.commitSeq;
  }

  /** The delta of a snapshot that needs what its parent needs. */
  get unchanged(): RefsetDelta {
    return { parentSeq: this.#parentSeq, added: NOTHING, removed: NOTHING };
  }

  /** All packs used and all packs of this run. */
  async with(
    used: readonly Uint8Array[],
    added: readonly Uint8Array[],
  ): Promise<{ readonly digest: Uint8Array; readonly delta: RefsetDelta }> {
    this.#added = unionPackIds(this.#added, sortPackIds(added));
    this.#current = unionPackIds(sortPackIds(used), this.#added);
    this.#parent ??= await this.#loadParent();
    return { digest: digestRefset(this.#current), delta: refsetDelta(this.#parentSeq, this.#parent, this.#current) };
  }

  /** The last refset was committed with `seq`: the next is told against it. */
  committed(seq: number): void {
    this.#parentSeq = seq;
    this.#parent = this.#current;
  }

  async #loadParent(): Promise<PackIdList> {
    if (this.#parentSeq === undefined) return NOTHING;
    try {
      return await this.#custody.refset(this.#vaultId, this.#parentSeq);
    } catch {
      // The parent has expired: the whole set is told instead.
      this.#parentSeq = undefined;
      return NOTHING;
    }
  }
}
