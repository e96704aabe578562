/** The process that copies databases: one request, one answer, until the backup lets go of it or is gone. */
import { copyDatabase } from './copy-database.ts';
import type { CopyRequest } from './copy-messages.ts';

/** Serves the process that started this one; the caller's module is its entry. */
export function runDatabaseCopyProcess(self: NodeJS.Process): void {
  self.umask(0o077);
  self.on('disconnect', () => self.exit());
  self.on('message', (request: CopyRequest) => {
    void copyDatabase(request).then((answer) => self.send?.(answer));
  });
}
