/** Jobs of the engine that need Node: threads, files, native libraries. */
export { backup } from './backup/backup.ts';
export { runBackupWorker } from './backup/backup-worker.ts';
export { readingTools } from './reading-tools.ts';
export type { BackupOptions, BackupProgress, BackupReport, CaptureNote, UnreadableEntry, WriterKeys, WriterSession } from './backup/options.ts';
