/** The rules of a backup, applied to the paths of its walk: each root has its own top. */
import { closeSync, openSync, readSync } from 'node:fs';
import {
  createExcluder,
  describeRule,
  type Excluder,
  type ExcluderConfig,
  type FileFilter,
} from '@keephold/source-files';

/** `roots`: absolute, raw bytes, no slash at the end. */
export function createFileFilter(config: ExcluderConfig, roots: readonly Uint8Array[]): FileFilter {
  const excluder = createExcluder(config);
  const tops = roots.map((root) => Buffer.from(root));
  return {
    excludedEntry: (path, isDirectory) => reasonFor(excluder, belowTop(path, tops), isDirectory),
    excludedContents(path, names) {
      const found = excluder.excludedContents(names, () => readCacheTag(path));
      if (found === undefined) return undefined;
      return {
        reason: found.reason,
        keep: found.keeps === undefined ? '' : Buffer.from(found.keeps).toString('latin1'),
      };
    },
  };
}

function reasonFor(excluder: Excluder, path: Uint8Array, isDirectory: boolean): string | undefined {
  const name = path.subarray(path.lastIndexOf(slash) + 1);
  const rule = excluder.excludedEntry(path, name, isDirectory);
  return rule === undefined ? undefined : describeRule(rule);
}

const slash = 0x2f;

/** The path relative to the root it lies in. */
function belowTop(path: Uint8Array, tops: readonly Buffer[]): Uint8Array {
  const top = tops.find((root) => path[root.length] === slash && root.equals(path.subarray(0, root.length)));
  return top === undefined ? path : path.subarray(top.length + 1);
}

const tagLength = 43;

/** The first bytes of a folder's CACHEDIR.TAG; undefined when there is none that can be read. */
export function readCacheTag(folder: Uint8Array): Uint8Array | undefined {
  try {
    const handle = openSync(Buffer.concat([folder, Buffer.from('/CACHEDIR.TAG')]), 'r');
    try {
      const bytes = new Uint8Array(tagLength);
      return bytes.subarray(0, readSync(handle, bytes, 0, tagLength, 0));
    } finally {
      closeSync(handle);
    }
  } catch {
    return undefined;
  }
}
