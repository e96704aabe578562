import type { Source } from '../../source.ts';
import type { AgainFolders } from '../journal/last-walk.ts';
import type { CachedTrees } from '../tree-cache/cached-trees.ts';
import type { CacheQueue } from './cache-queue.ts';
import type { FileQueue } from './file-queue.ts';
import type { RunCounters } from './run-counters.ts';
import type { TreeStore } from './tree-store.ts';
import type { UsedPacks } from './used-packs.ts';

/** What the walk works with. */
export interface WalkParts {
  readonly source: Source;
  readonly cached: CachedTrees;
  readonly records: CacheQueue;
  readonly files: FileQueue;
  readonly trees: () => TreeStore;
  readonly used: UsedPacks;
  /** The pack of a blob that an earlier run stored and no commit names; undefined for records of what this run stores. */
  readonly adoptedPack: (record: number) => number | undefined;
  readonly counters: RunCounters;
  /** Whether somebody told what changed, and the rest is taken over. */
  readonly isTold: boolean;
  /** Takes folders that the next walk must list again. */
  readonly again: Pick<AgainFolders, 'add'>;
  /** Whether entries that need this pack must be read again. */
  readonly isDead: (pack: number) => boolean;
  /** Entries that changed after this moment may change again without a new time. `at` is the row's first word. */
  readonly isTooYoung: (stats: Uint32Array, at: number) => boolean;
  /** Gets ready to store; called before anything is captured. */
  readonly prepare: () => Promise<void>;
  /** Holds the walk while queues are full or a checkpoint is made; throws when the run must stop. */
  readonly breathe: () => Promise<void> | undefined;
  /** With 'look' nothing is read or stored. */
  readonly mode: 'store' | 'look';
}
