/** Whether the file of a program is another one than before: a version was installed over the one that runs. */
import { statSync } from 'node:fs';

/** One that is not there is being replaced just now: not yet another. */
export function watchProgram(path: () => string | undefined): () => boolean {
  const before = mark(path());
  return () => {
    const now = mark(path());
    return before !== undefined && now !== undefined && now !== before;
  };
}

/** Package managers set times of long ago: what the file system itself counts tells. */
function mark(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat && [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(' ');
}
