/** The rules of a backup, applied to the paths of its walk: each root has its own top. */
import { closeSync, constants, openSync, readSync } from 'node:fs';
import {
  createExcluder,
  describeRule,
  type Excluder,
  type ExcluderConfig,
  type FileFilter,
} from '@keephold/source-files';

export interface FilteredRoots {
  /** Absolute, raw bytes, no slash at the end. */
  readonly roots: readonly Uint8Array[];
  /** Folders of Keephold's own that are in them, in the same form. */
  readonly own: readonly Uint8Array[];
}

export function createFileFilter(config: ExcluderConfig, { roots, own }: FilteredRoots): FileFilter {
  const excluder = createExcluder(config);
  const tops = roots.map((root) => Buffer.from(root));
  const rule = excluder.hasRules ? entryRule(excluder, tops) : undefined;
  const below = own.filter((folder) => !tops.some((top) => top.equals(folder)));
  return {
    excludedEntry: below.length === 0 ? rule : withoutOwn(below, rule),
    excludedContents(path, names) {
      // A root is there, whatever it is.
      if (own.some((folder) => Buffer.compare(folder, path) === 0)) return { reason: OWN, keep: '' };
      const found = excluder.excludedContents(names, () => readCacheTag(path));
      if (found === undefined) return undefined;
      return {
        reason: found.reason,
        keep: found.keeps === undefined ? '' : Buffer.from(found.keeps).toString('latin1'),
      };
    },
  };
}

/** With their names: times of folders that every run changes would make every backup differ from the one before. */
function withoutOwn(
  own: readonly Uint8Array[],
  rule: FileFilter['excludedEntry'],
): NonNullable<FileFilter['excludedEntry']> {
  const names = new Map<string, ReadonlySet<string>>();
  for (const path of own.map((folder) => Buffer.from(folder).toString('latin1'))) {
    const end = path.lastIndexOf('/');
    const folder = path.slice(0, Math.max(0, end));
    names.set(folder, new Set([...(names.get(folder) ?? []), path.slice(end + 1)]));
  }
  let folder: Uint8Array | undefined;
  let ownHere: ReadonlySet<string> | undefined;
  return (path, name, isDirectory) => {
    if (path !== folder) {
      folder = path;
      ownHere = names.get(Buffer.from(path).toString('latin1'));
    }
    if (ownHere?.has(name) === true) return OWN;
    return rule?.(path, name, isDirectory);
  };
}

const OWN = "Keephold's own: the repository in use, or what this device keeps of it";

/** Remembers the folder it was asked about last: a walk asks about all entries of one in turn. */
function entryRule(excluder: Excluder, tops: readonly Buffer[]): NonNullable<FileFilter['excludedEntry']> {
  let folder: Uint8Array | undefined;
  let below = '';
  return (path, name, isDirectory) => {
    if (excluder.usesPaths && path !== folder) {
      folder = path;
      below = prefixBelowTop(path, tops);
    }
    const rule = excluder.excludedEntry(below + name, name, isDirectory);
    return rule === undefined ? undefined : describeRule(rule);
  };
}

const slash = 0x2f;

/** What stands before the names in `folder`, seen from the root it lies in: nothing, or a path that ends with '/'. */
function prefixBelowTop(folder: Uint8Array, tops: readonly Buffer[]): string {
  const top = tops.find(
    (root) => root.equals(folder) || (folder[root.length] === slash && root.equals(folder.subarray(0, root.length))),
  );
  const below = folder.subarray(top === undefined ? 0 : top.length + 1);
  return below.length === 0 ? '' : `${Buffer.from(below).toString('latin1')}/`;
}

const tagLength = 43;
/** By a link, what the folder is would depend on a place that no look at the folder tells of. */
const TAG_FLAGS: number = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** The first bytes of a folder's CACHEDIR.TAG; undefined when there is none that can be read. */
export function readCacheTag(folder: Uint8Array): Uint8Array | undefined {
  try {
    const handle = openSync(Buffer.concat([folder, Buffer.from('/CACHEDIR.TAG')]), TAG_FLAGS);
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
