export * from './node-fields.ts';
export * from './target.ts';
export * from './snapshot.ts';
export {
  type ContentReader,
  type DirectoryListing,
  type EntryDetails,
  type EntryFailure,
  type ExcludedEntry,
  IDENTITY_BYTES,
  nodeTypeOf,
  type Source,
  SourceError,
  STAT_ROW_BYTES,
  STAT_ROW_WORDS,
  sizeOf,
} from './source.ts';
export { DamagedError, EngineError, type EngineErrorCode, MissingDataError } from './errors.ts';
