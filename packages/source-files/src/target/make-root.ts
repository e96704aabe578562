/** Makes the folder that a restore goes into, with those above it that are missing. */
import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Only its owner may enter what is made. One folder after the other: mkdir's own recursion never ends where a parent is
 * there and can have no such entry (/proc).
 */
export function makeRoot(root: string): void {
  const missing: string[] = [];
  for (let folder = root; !existsSync(folder) && folder !== dirname(folder); folder = dirname(folder)) {
    missing.unshift(folder);
  }
  for (const folder of missing) {
    try {
      mkdirSync(folder, { mode: 0o700 });
    } catch (error) {
      // Another process may have been first; a link that leads nowhere is none.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !existsSync(folder)) throw error;
    }
  }
}
