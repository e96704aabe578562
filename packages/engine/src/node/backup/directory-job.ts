/** A directory whose tree is not known yet: some of its files are being read, or directories in it are not done. */
import type { NodeSequence } from '../../node-encoding.ts';
import type { DirectoryListing } from '../../source.ts';
import type { KeptEntries } from '../tree-cache/kept-entries.ts';
import type { FamilyCapture } from './family-capture.ts';
import type { StoredTree } from './tree-store.ts';

export interface ParentPlace {
  readonly job: DirectoryJob;
  readonly index: number;
}

const NOTHING = new Uint8Array(0);
const NO_ENTRIES: DirectoryListing = { count: 0, names: [], rows: [], stats: new Uint32Array(0), failures: [] };

export class DirectoryJob {
  path: Uint8Array;
  listing: DirectoryListing;
  /** Position of its record in the tree cache. */
  readonly sequence: number;
  /** Entries that are taken over from the last snapshot. */
  kept: KeptEntries | undefined;
  /** Node of each other entry; undefined while missing, and in the end for what was gone when it was read. */
  nodes: (Uint8Array | undefined)[];
  places: (ArrayLike<number> | undefined)[];
  /** Rows that differ from the listing: files that changed before they were read. */
  readonly rows: Map<number, Uint32Array> = new Map<number, Uint32Array>();
  /** Entries to be looked at again next time whatever their identity. */
  readonly volatile: Set<number> = new Set<number>();
  /** Databases in use that are captured now, by the places of all of their files. */
  readonly families: Map<number, FamilyCapture> = new Map<number, FamilyCapture>();
  /** Directories in it that are not done. */
  readonly waitsFor: Map<number, DirectoryJob> = new Map<number, DirectoryJob>();
  /** Entries still missing. */
  pending = 0;
  /** All entries were gone through: when none is missing the tree can be stored. */
  sealed = false;
  /** Its tree, once it is stored. */
  tree: StoredTree | undefined;
  /** Where its node goes; undefined for the root, and as long as the parent was not reached. */
  parent: ParentPlace | undefined;

  constructor(path: Uint8Array, listing: DirectoryListing, sequence: number) {
    this.path = path;
    this.listing = listing;
    this.sequence = sequence;
    this.nodes = new Array<Uint8Array | undefined>(listing.count);
    this.places = new Array<ArrayLike<number> | undefined>(listing.count);
  }

  get isDone(): boolean {
    return this.sealed && this.pending === 0;
  }

  /** Nodes of all entries that have one. */
  get allNodes(): NodeSequence {
    const { kept, nodes } = this;
    return {
      count: nodes.length,
      lengthOf: (i) => nodes[i]?.length ?? kept?.lengthOf(i) ?? 0,
      writeNode: (i, target, at) => {
        const node = nodes[i];
        if (node === undefined) kept!.writeNode(i, target, at);
        else target.set(node, at);
      },
    };
  }

  /** Lets go of all but the tree: the parent remembers its directories until the walk is through with it. */
  release(): void {
    this.path = NOTHING;
    this.listing = NO_ENTRIES;
    this.kept = undefined;
    this.nodes = [];
    this.places = [];
    this.rows.clear();
    this.volatile.clear();
    this.parent = undefined;
  }
}
