/** Jobs of the engine that need Node: threads, files, native libraries. */
export { backup } from './backup/backup.ts';
export { runBackupWorker } from './backup/backup-worker.ts';
export type {
  BackupOptions,
  BackupProgress,
  BackupReport,
  CaptureNote,
  UnreadableEntry,
  WriterKeys,
  WriterSession,
} from './backup/options.ts';
export { type CatOptions, cat } from './cat/cat.ts';
export { type CheckOptions, type CheckProblem, type CheckProgress, type CheckReport, check } from './check/check.ts';
export { type FoundRefset, type RefsetClues, RefsetSearch } from './heal/find-refsets.ts';
export { type HealReport, type HealSnapshotsOptions, healSnapshots } from './heal/heal-snapshots.ts';
export { nameSessionsAgain, unnamedSessions } from './heal/name-sessions.ts';
export { type RelistReport, relistPacks } from './heal/relist-packs.ts';
export type { ChangedFolders, JournalOptions } from './journal/changed-folders.ts';
export type { FullWalkReason } from './journal/full-walk.ts';
export { readingTools } from './reading-tools.ts';
export type { RestoredItem, RestoreProgress, RestoreReport } from './restore/account.ts';
export { type ReadWorkerOptions, runReadWorker } from './restore/pack-reading/run-read-worker.ts';
export { type RestoreOptions, restore } from './restore/restore.ts';
export { RestoreError } from './restore/restore-error.ts';
