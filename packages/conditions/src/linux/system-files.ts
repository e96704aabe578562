/** What the kernel says in /sys and /proc: short texts that may be missing. */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename, join } from 'node:path';

export interface SystemFiles {
  /** Without the white space around it; nothing when it cannot be read. */
  text(...path: readonly string[]): Promise<string | undefined>;
  /** Nothing when it is no number. */
  number(...path: readonly string[]): Promise<number | undefined>;
  /** None when there is no such folder. */
  names(...path: readonly string[]): Promise<readonly string[]>;
  /** The last part of what a link leads to; nothing when there is none. */
  linkName(...path: readonly string[]): Promise<string | undefined>;
}

// Far above what any machine has of one kind.
const mostNames = 1024;

/** Below a root folder, which is / but in tests. */
export function systemFiles(root: string): SystemFiles {
  return {
    text: (...path) => readText(join(root, ...path)),
    async number(...path) {
      const text = await readText(join(root, ...path));
      const value = text === undefined || text === '' ? Number.NaN : Number(text);
      return Number.isFinite(value) ? value : undefined;
    },
    async names(...path) {
      try {
        return (await readdir(join(root, ...path))).sort().slice(0, mostNames);
      } catch {
        return [];
      }
    },
    async linkName(...path) {
      try {
        return basename(await readlink(join(root, ...path)));
      } catch {
        return undefined;
      }
    },
  };
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch {
    // Drivers answer with any error: a device that is being taken away has none of its files any more.
    return undefined;
  }
}
