/** Where bytes lie: the Backend seam, a folder and an S3 bucket that implement it, and wrappers with the same interface. */
export type {
  Backend,
  BackendProperties,
  DeletingBackend,
  GetOptions,
  ListedObject,
  ListingBackend,
  ObjectStat,
  PutOptions,
  ReadingBackend,
  WritingBackend,
} from './backend.ts';
export { type Disk, type DiskFile, type DiskStat, nodeDisk } from './disk.ts';
export { BackendError, type BackendErrorCode } from './errors.ts';
export { FolderBackend, type FolderBackendOptions } from './folder-backend.ts';
export { limitWrites } from './limit.ts';
export { type MeasuredCall, measured, type OnBackendCall } from './measured.ts';
export { checkName } from './name.ts';
export { type PacedWrite, Pacer, type WriteLimit } from './pacer.ts';
export { readOnly } from './read-only.ts';
export { S3Backend, type S3BackendOptions } from './s3/s3-backend.ts';
export { withinPrefix } from './within-prefix.ts';
