/** What a keeper does beside the Custody seam for what it keeps: a second copy elsewhere, and reading all of it again. */
import type { Backend } from '@keephold/backend';
import type { Custody, VaultId } from '@keephold/protocol';

export interface ReplicateOptions {
  /** The place of the account at the second site. */
  readonly to: Backend;
  /** Whether what was purged here long enough ago is looked for there and deleted: reads every commit. */
  readonly sweep: 'sweep' | 'leave';
  /** Ends between two packs; what was copied is not copied again. */
  readonly signal: AbortSignal;
}

export type ReplicationReport =
  | {
      readonly kind: 'copied';
      readonly commits: number;
      readonly packs: number;
      readonly objects: number;
      /** Of packs and objects. */
      readonly bytes: number;
      /** Packs that snapshots need and neither site has whole. */
      readonly lackingPacks: number;
      /** Commits that cannot be read here and are not there. */
      readonly unreadCommits: number;
      /** Packs and objects. */
      readonly deleted: number;
    }
  /** There lies another history: nothing was changed. `seq`: the first commit that differs. */
  | { readonly kind: 'forked'; readonly seq: number };

/** A pack or an object that is not what its name says, or missing, and that commits count on. */
export interface DamagedItem {
  readonly kind: 'pack' | 'object';
  readonly name: Uint8Array;
}

export interface ScrubOptions {
  /** Where to go on; 0 to begin. */
  readonly position: number;
  /** What was damaged at an earlier turn. */
  readonly again: readonly DamagedItem[];
  /** The place of the account at the second site; undefined: there is none. */
  readonly repairFrom: Backend | undefined;
  /** Called with the bytes of each item that was read; resolves when the next one may be. */
  readonly pace: (bytes: number) => Promise<void>;
  /** Ends between two items. */
  readonly signal: AbortSignal;
}

export interface ScrubReport {
  /** Read and compared. */
  readonly packs: number;
  readonly objects: number;
  readonly bytes: number;
  readonly repaired: number;
  /** All that is known to be damaged and was not repaired. */
  readonly damaged: readonly DamagedItem[];
  /** Where to go on. */
  readonly position: number;
  readonly outcome: 'done' | 'interrupted';
}

export interface Upkeep {
  /** @throws CustodyError; what was copied until then stays. */
  replicate(vault: VaultId, options: ReplicateOptions): Promise<ReplicationReport>;
  /**
   * Reads a part of the vault's packs and objects and compares them with their names: all of them in 29 turns.
   * @throws CustodyError when the place cannot be read, or the signal aborts before what was damaged is looked at again
   */
  scrub(vault: VaultId, options: ScrubOptions): Promise<ScrubReport>;
}

export type KeptCustody = Custody & Upkeep;
