export { DamagedError, EngineError, type EngineErrorCode, MissingDataError } from './errors.ts';
export * from './node-fields.ts';
export type { CommitLogState, SessionEntry, SnapshotEntry } from './reading/commit-log.ts';
export { decodeCommitLogState, encodeCommitLogState } from './reading/commit-log-state.ts';
export { type Change, type DiffOptions, diff } from './reading/diff.ts';
export { FollowedChain, type FollowedChainOptions } from './reading/followed-chain.ts';
export { type PinnedCustodyOptions, pinCustody } from './reading/pinned-custody.ts';
export {
  openRepository,
  type ReaderKeys,
  type Repository,
  type RepositoryOptions,
  type SnapshotRoot,
} from './reading/repository.ts';
export type { OpenSessionObject, SessionChain } from './reading/session-keys.ts';
export type { Snapshot } from './reading/snapshot-reader.ts';
export { type RepositorySizes, type SnapshotSizes, stats } from './reading/stats.ts';
export { TreeBudget } from './reading/tree-budget.ts';
export { joinPath, type WalkedNode } from './reading/tree-walk.ts';
export * from './snapshot.ts';
export {
  type ContentReader,
  type DatabaseCopies,
  type DatabaseCopy,
  type DirectoryListing,
  type EntryDetails,
  type EntryFailure,
  type ExcludedEntry,
  type FrozenFiles,
  IDENTITY_BYTES,
  nodeTypeOf,
  type Source,
  SourceError,
  STAT_ROW_BYTES,
  STAT_ROW_WORDS,
  sizeOf,
} from './source.ts';
export * from './target.ts';
