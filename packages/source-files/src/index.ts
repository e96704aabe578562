/** Captures files with their metadata, and writes them back. */

export { type CompareTreesOptions, compareTrees } from './compare/compare-trees.ts';
export type { DifferenceKind, TreeComparison, TreeDifference } from './compare/tree-difference.ts';
export { createDatabaseCopies, type DatabaseCopiesOptions } from './databases/database-copies.ts';
export { runDatabaseCopyProcess } from './databases/run-copy-process.ts';
export * from './errors.ts';
export {
  createExcluder,
  describeRule,
  type ExcludedContents,
  type Excluder,
  type ExcluderConfig,
  type Explanation,
  type RawName,
} from './excludes/excluder.ts';
export type { IgnoreRule } from './excludes/ignore-rule.ts';
export { createSelector, type Selection, type Selector, type SelectorConfig } from './excludes/selector.ts';
export { type Hole, MAX_HOLES, mayHaveHoles, readHoles } from './holes.ts';
export { createOwnerNames, type OwnerNames, type OwnerNamesOptions } from './owner-names.ts';
export { printablePath } from './printable-path.ts';
export { createContentReader } from './reading/content-reader.ts';
export { createFileSource, type FileFilter, type FileSourceOptions } from './reading/file-source.ts';
export { outermost } from './reading/outermost.ts';
export { SNAPSHOTS_FOLDER } from './snapshots/btrfs-place.ts';
export { createBtrfsTool } from './snapshots/btrfs-tool.ts';
export {
  lookForSnapshots,
  type OpenSnapshotsOptions,
  openSnapshots,
  type SnapshotAccount,
  type SourceSnapshots,
} from './snapshots/open-snapshots.ts';
export { createTarget, type TargetCapabilities, targetCapabilities } from './target/create-target.ts';
export type { TargetConfig } from './target/target-config.ts';
export { isTemporaryName } from './target/temporary-names.ts';
export { ChangeJournal, type ToldChanges } from './watching/change-journal.ts';
export type { Changes, FolderWatcherOptions } from './watching/folder-watcher.ts';
export { type WatchableRoots, watchableRoots } from './watching/watchable-roots.ts';
export { createXattrReader, type FileXattr, type XattrReader, type XattrReading } from './xattrs.ts';
