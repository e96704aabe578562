/** What a keeper does beside the Custody seam for what it keeps: a second copy elsewhere. */
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

export interface Upkeep {
  /** @throws CustodyError; what was copied until then stays. */
  replicate(vault: VaultId, options: ReplicateOptions): Promise<ReplicationReport>;
}

export type KeptCustody = Custody & Upkeep;
