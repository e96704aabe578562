/** The walking half of a backup's source: folders of this machine. */
import { readlinkSync } from 'node:fs';
import {
  type DirectoryListing,
  type EntryDetails,
  type ExcludedEntry,
  type FrozenFiles,
  nodeTypeOf,
  type Source,
  STAT_ROW_WORDS,
  sizeOf,
} from '@keephold/engine';
import { libc, openFlags } from '@keephold/ffi';
import { createOwnerNames, type OwnerNames } from '../owner-names.ts';
import { SNAPSHOTS_FOLDER } from '../snapshots/btrfs-place.ts';
import { createFrozenLister } from '../snapshots/frozen-lister.ts';
import type { SourceSnapshots } from '../snapshots/open-snapshots.ts';
import { createXattrReader, type XattrReader } from '../xattrs.ts';
import { createNativeLister, type DirectoryLister, type NameFilter } from './list-directory.ts';
import { openLongPath } from './open-long-path.ts';
import { outermost } from './outermost.ts';
import { placeholderOf } from './placeholders.ts';
import { createPortableLister } from './portable-lister.ts';

const PATH_MAX = 4096;
const SYMLINK = 2;
const DIRECTORY = 1;
const SLASH = new Uint8Array([0x2f]);
/** Excluded entries named in reports; the rest is counted. */
const MAX_EXCLUDED_NAMED = 1000;

/** Decides what is left out. Reasons are for people. */
export interface FileFilter {
  /**
   * Why the entry is left out; undefined: it stays. `name` has one code unit a byte. Without it no entry is.
   */
  readonly excludedEntry?: ((folder: Uint8Array, name: string, isDirectory: boolean) => string | undefined) | undefined;
  /** Why everything in the directory but the marker itself is left out, given the names in it. `path`: to read it. */
  excludedContents(
    path: Uint8Array,
    names: readonly string[],
  ): { readonly reason: string; readonly keep: string } | undefined;
}

export interface FileSourceOptions {
  /** Absolute paths without trailing slash, the root empty. */
  readonly roots: readonly Uint8Array[];
  readonly filter: FileFilter | undefined;
  /** Leaves out what lies on another file system than the root above it. */
  readonly oneFileSystem: boolean;
  /** Read in place of the files. Whoever opened them removes them. */
  readonly snapshots?: SourceSnapshots | undefined;
}

export function createFileSource(options: FileSourceOptions): Source {
  const calls = libc();
  const { snapshots } = options;
  const lister = calls === undefined ? createPortableLister() : createNativeLister(calls);
  if (snapshots === undefined) return new FileSource(options, lister);
  const { paths } = snapshots;
  return new FileSource(options, createFrozenLister({ lister, paths, onGap: (path) => snapshots.addGap(path) }));
}

class FileSource implements Source {
  readonly roots: readonly Uint8Array[];
  readonly frozen: FrozenFiles | undefined;
  readonly #filter: FileFilter | undefined;
  readonly #lister: DirectoryLister;
  readonly #names: OwnerNames = createOwnerNames();
  readonly #owners = new Map<
    string,
    { readonly user: Uint8Array | undefined; readonly group: Uint8Array | undefined }
  >();
  readonly #xattrs: XattrReader | undefined = createXattrReader();
  readonly #fileSystems: FileSystemGuard | undefined;
  readonly #excluded: ExcludedEntry[] = [];
  #excludedCount = 0;

  constructor(options: FileSourceOptions, lister: DirectoryLister) {
    this.roots = outermost(options.roots);
    this.frozen = options.snapshots;
    this.#filter = options.filter;
    this.#lister = lister;
    this.#fileSystems = options.oneFileSystem ? new FileSystemGuard(this.roots, lister) : undefined;
  }

  get excluded(): { readonly entries: readonly ExcludedEntry[]; readonly count: number } {
    return { entries: this.#excluded, count: this.#excludedCount };
  }

  list(path: Uint8Array, only?: readonly string[]): DirectoryListing {
    const filter = only === undefined ? this.#filter : undefined;
    const all = this.#lister.list(path, this.#keepIn(filter, path), only);
    const listing = only === undefined ? this.#dropSnapshots(path, all) : all;
    const marked = filter === undefined ? listing : this.#dropMarked(filter, path, listing);
    return this.#fileSystems === undefined ? marked : this.#dropForeign(this.#fileSystems, path, marked);
  }

  describe(path: Uint8Array, stats: Uint32Array, row: number): EntryDetails {
    const word = row * STAT_ROW_WORDS;
    const owner = this.#owner(stats[word + 1]!, stats[word + 2]!);
    const type = nodeTypeOf(stats, row);
    const at = this.#placeOf(path);
    const more = at.length < PATH_MAX ? this.#readMore(at, type) : this.#readMoreFar(at, type);
    const details = { ...owner, ...more };
    const problem = joined(details.problem, timeProblem(stats, word));
    if (stats[word + 25] === 0 && problem === details.problem) return details;
    return { ...details, flags: stats[word + 25] || undefined, problem };
  }

  /** What stat does not tell. */
  #readMore(path: Uint8Array, type: number | undefined): EntryDetails {
    const reading = this.#xattrs?.read(path.length === 0 ? SLASH : path);
    return {
      linkTarget: type === SYMLINK ? readLink(path) : undefined,
      xattrs: reading?.xattrs,
      problem:
        reading !== undefined && reading.problems.length > 0
          ? `not captured: ${reading.problems.join(', ')}`
          : undefined,
    };
  }

  /** The same for paths longer than the system takes, by way of their open folder. */
  #readMoreFar(path: Uint8Array, type: number | undefined): EntryDetails {
    const calls = libc();
    if (calls === undefined) return { problem: 'not captured: its path is too long for this system' };
    const slash = path.lastIndexOf(0x2f);
    const flags = openFlags.path | openFlags.directory | openFlags.closeOnExec;
    const folder = openLongPath(calls, path.subarray(0, slash), flags);
    // Gone meanwhile, as in readLink.
    if (folder < 0) return {};
    try {
      return this.#readMore(Buffer.concat([Buffer.from(`/proc/self/fd/${folder}/`), path.subarray(slash + 1)]), type);
    } finally {
      calls.close(folder);
    }
  }

  livesElsewhere(path: Uint8Array, stats: Uint32Array, row: number): string | undefined {
    return placeholderOf(this.#placeOf(path), { size: sizeOf(stats, row), blocks: blocksOf(stats, row) }, libc());
  }

  #owner(uid: number, gid: number): { readonly user: Uint8Array | undefined; readonly group: Uint8Array | undefined } {
    const key = `${uid}:${gid}`;
    let owner = this.#owners.get(key);
    if (owner === undefined) {
      owner = { user: this.#names.userName(uid), group: this.#names.groupName(gid) };
      this.#owners.set(key, owner);
    }
    return owner;
  }

  #keepIn(filter: FileFilter | undefined, path: Uint8Array): NameFilter | undefined {
    const excludedEntry = filter?.excludedEntry;
    if (excludedEntry === undefined) return undefined;
    return (name, isDirectory) => {
      const reason = excludedEntry(path, name, isDirectory);
      if (reason !== undefined) this.#exclude(join(path, Buffer.from(name, 'latin1')), reason);
      return reason === undefined;
    };
  }

  /** Where an entry is read. */
  #placeOf(path: Uint8Array): Uint8Array {
    return this.frozen?.pathOf(path) ?? path;
  }

  /** Of this run and others: they hold everything once more. */
  #dropSnapshots(path: Uint8Array, listing: DirectoryListing): DirectoryListing {
    const found = listing.names.indexOf(SNAPSHOTS_FOLDER);
    if (found === -1 || nodeTypeOf(listing.stats, listing.rows[found]!) !== DIRECTORY) return listing;
    this.#exclude(join(path, Buffer.from(SNAPSHOTS_FOLDER)), 'snapshots that Keephold reads from');
    return select(listing, (i) => i !== found);
  }

  #dropMarked(filter: FileFilter, path: Uint8Array, listing: DirectoryListing): DirectoryListing {
    const marked = filter.excludedContents(this.#placeOf(path), listing.names);
    if (marked === undefined) return listing;
    this.#exclude(path, marked.reason);
    return select(listing, (i) => listing.names[i] === marked.keep);
  }

  #dropForeign(guard: FileSystemGuard, path: Uint8Array, listing: DirectoryListing): DirectoryListing {
    return select(listing, (i) => {
      const at = listing.rows[i]! * STAT_ROW_WORDS;
      const isDirectory = nodeTypeOf(listing.stats, listing.rows[i]!) === DIRECTORY;
      const full = join(path, Buffer.from(listing.names[i]!, 'latin1'));
      if (!guard.isForeign(full, systemAt(listing.stats, at), isDirectory)) return true;
      this.#exclude(full, 'on another file system (--one-file-system)');
      return false;
    });
  }

  #exclude(path: Uint8Array, reason: string): void {
    this.#excludedCount++;
    if (this.#excluded.length < MAX_EXCLUDED_NAMED) this.#excluded.push({ path: path.slice(), reason });
  }
}

/** Remembers on which file system each root is, when the walk comes by it. */
class FileSystemGuard {
  readonly #roots: readonly string[];
  readonly #systems = new Map<string, string>();

  constructor(roots: readonly Uint8Array[], lister: DirectoryLister) {
    this.#roots = roots.map((root) => Buffer.from(root).toString('latin1'));
    // The walk comes by each root in the listing of its parent, except for the one that has none.
    if (this.#roots.includes(''))
      this.#systems.set('', systemAt(lister.list(new Uint8Array(0), undefined, ['.']).stats, 0));
  }

  isForeign(path: Uint8Array, system: string, isDirectory: boolean): boolean {
    if (!isDirectory) return false;
    const text = Buffer.from(path).toString('latin1');
    if (this.#roots.includes(text)) {
      this.#systems.set(text, system);
      return false;
    }
    const root = this.#roots.find((candidate) => text.startsWith(`${candidate}/`));
    if (root === undefined) return false;
    const own = this.#systems.get(root);
    if (own === undefined) this.#systems.set(root, system);
    return own !== undefined && own !== system;
  }
}

/** File system of a row, as a name. */
function systemAt(stats: Uint32Array, at: number): string {
  return `${stats[at + 14]}:${stats[at + 15]}`;
}

function select(listing: DirectoryListing, keep: (index: number) => boolean): DirectoryListing {
  const kept = listing.names.map((_, i) => i).filter(keep);
  if (kept.length === listing.count) return listing;
  return {
    ...listing,
    count: kept.length,
    names: kept.map((i) => listing.names[i]!),
    rows: kept.map((i) => listing.rows[i]!),
  };
}

// Seconds that 64 bits of nanoseconds hold: from the year 1677 to 2262.
const LAST_SECOND = 9_223_372_036;

/** What is lost of a modification time that trees cannot hold (format.md §6): the nearest one is kept. */
function timeProblem(stats: Uint32Array, at: number): string | undefined {
  const seconds = (stats[at + 11]! | 0) * 0x1_0000_0000 + stats[at + 10]!;
  if (seconds < LAST_SECOND && seconds >= -LAST_SECOND) return undefined;
  return 'its modification time is not captured: it is before 1678 or after 2261, and the nearest one stands for it';
}

function joined(first: string | undefined, second: string | undefined): string | undefined {
  return first === undefined || second === undefined ? (first ?? second) : `${first}; ${second}`;
}

function readLink(path: Uint8Array): Uint8Array | undefined {
  try {
    return readlinkSync(Buffer.from(path), { encoding: 'buffer' });
  } catch {
    // Gone or replaced meanwhile; the next backup sees what it is now.
    return undefined;
  }
}

function join(path: Uint8Array, name: Uint8Array): Uint8Array {
  const joined = new Uint8Array(path.length + 1 + name.length);
  joined.set(path);
  joined[path.length] = 0x2f;
  joined.set(name, path.length + 1);
  return joined;
}

/** Blocks of 512 bytes. */
function blocksOf(stats: Uint32Array, row: number): number {
  const at = row * STAT_ROW_WORDS;
  return stats[at + 22]! + stats[at + 23]! * 0x1_0000_0000;
}
