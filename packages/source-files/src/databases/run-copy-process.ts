/** The process that copies databases: one request, one answer, until the backup lets go of it or is gone. */
import { denyCalls } from '@keephold/ffi';
import { copyDatabase } from './copy-database.ts';
import type { CopyRequest } from './copy-messages.ts';

/** Serves the process that started this one; the caller's module is its entry. */
export function runDatabaseCopyProcess(self: NodeJS.Process): void {
  self.umask(0o077);
  // As root SQLite gives every log, journal and shared index it opens to the owner of the database, which changes them
  // even where they are his. Where the calls cannot be denied it does as in any program of root.
  if (self.geteuid?.() === 0) denyCalls(['fchown', 'fchmod']);
  self.on('disconnect', () => self.exit());
  self.on('message', (request: CopyRequest) => {
    void copyDatabase(request).then((answer) => self.send?.(answer));
  });
}
