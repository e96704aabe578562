/** What a restore's walk needs to know and works on. */
import type { TreeNode } from '../../node-fields.ts';
import type { SnapshotRoot } from '../../reading/repository.ts';
import type { Target } from '../../target.ts';
import type { Account } from './account.ts';
import type { ReadableRepository } from './readable-repository.ts';
import type { Overwrite } from './target-directory.ts';

export type Select = (path: Uint8Array, isDirectory: boolean) => 'selected' | 'descend' | 'skipped';

export interface RestoreWalkOptions {
  readonly repository: ReadableRepository;
  readonly snapshot: SnapshotRoot;
  /** Directory of the snapshot whose entries land in the target's root; undefined: the root of the snapshot. */
  readonly root: TreeNode | undefined;
  /** Only this file or link, instead of a directory. */
  readonly single: TreeNode | undefined;
  readonly target: Target;
  readonly account: Account;
  readonly select: Select;
  readonly overwrite: Overwrite;
  readonly delete: boolean;
  /** Folders of the target, relative to its root, that nothing is deleted of. */
  readonly protectedPaths: readonly Uint8Array[];
  readonly dryRun: boolean;
  /** Told of files that were not read plainly when they were backed up: their capture note (format.md §6). */
  readonly onNote: (path: Uint8Array, note: string) => void;
  /** Names that a killed restore may have left behind. */
  readonly isLeftover: (name: Uint8Array) => boolean;
}
