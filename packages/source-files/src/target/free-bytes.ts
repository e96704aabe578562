/** Room for a restore into a directory that may not be there yet. */
import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';

/** Bytes that can be written where `root` is or would be. */
export function freeBytesNear(root: string): number {
  for (let path = root; ; path = dirname(path)) {
    try {
      const { bavail, bsize } = statfsSync(path);
      return bavail * bsize;
    } catch (error) {
      if (dirname(path) === path) throw error;
    }
  }
}
