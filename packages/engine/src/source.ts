/**
 * The Source seam: where a backup reads from. Two halves: the walking half lists and describes entries on the main
 * thread, the reading half gives file bytes to the worker threads. Both are synchronous: a call per directory and per
 * file, none per byte.
 *
 * Paths are absolute, raw bytes, components joined by '/', no slash at the end; the root of the file system is empty.
 */
import type { Xattr } from './node-fields.ts';

/**
 * What is known of an entry without opening it, one row of 32-bit little-endian words. The first 56 bytes decide
 * whether it changed; device numbers and link counts do not (they change when nothing happened to the file).
 *
 * ```
 * 0 mode (type and bits)  4 uid  8 gid  12 mtime ns  16 ctime ns  20 zero  24 inode u64  32 size u64  40 mtime s i64  48 ctime s i64
 * 56 file system u64  64 links  68 btime ns  72 btime s i64  80 rdev major  84 rdev minor  88 blocks of 512 u64  96 flags (1: has btime)  100 inode flags (format.md §6)
 * ```
 */
export const STAT_ROW_BYTES = 104;
export const STAT_ROW_WORDS: number = STAT_ROW_BYTES / 4;
export const IDENTITY_BYTES = 56;
/** Where a row has the number of names of its inode. */
export const LINKS_WORD = 16;
export const IDENTITY_WORDS: number = IDENTITY_BYTES / 4;

/** Entries of one directory, sorted by name bytes; excluded ones are left out. */
export interface DirectoryListing {
  readonly count: number;
  /** Names as strings of one code unit a byte (latin1), sorted. */
  readonly names: readonly string[];
  /** Row number of each name: rows stand in the order the directory gave them. */
  readonly rows: readonly number[];
  /** STAT_ROW_WORDS words a row. */
  readonly stats: Uint32Array;
  /** Entries that are there and could not be looked at. */
  readonly failures: readonly EntryFailure[];
}

export interface EntryFailure {
  readonly name: Uint8Array;
  /** System error code, for example EACCES. */
  readonly code: string;
}

/** What a tree holds of an entry beyond its row. */
export interface EntryDetails {
  readonly user?: Uint8Array | undefined;
  readonly group?: Uint8Array | undefined;
  readonly linkTarget?: Uint8Array | undefined;
  readonly xattrs?: readonly Xattr[] | undefined;
  readonly flags?: number | undefined;
  /** Something that could not be captured, to be told to the user. */
  readonly problem?: string | undefined;
}

/** A failure to look at or read something; expected, the run goes on. */
export class SourceError extends Error {
  /** System error code, for example EACCES. */
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SourceError';
    this.code = code;
  }
}

export interface ExcludedEntry {
  readonly path: Uint8Array;
  readonly reason: string;
}

/**
 * Snapshots of file systems that a source reads in place of files that go on changing. Entries keep the paths, inodes
 * and times they have outside.
 */
export interface FrozenFiles {
  /** Milliseconds since 1970: a moment before the first snapshot was made. Later changes may be in none of them. */
  readonly since: number;
  /** Where the entry at `path` is read, in a snapshot; undefined: at `path`, where it may change. */
  pathOf(path: Uint8Array): Uint8Array | undefined;
  /** @throws when a snapshot is not there any more, so that what was in it was taken for gone. */
  confirm(): void;
}

/** The walking half, on the main thread. */
export interface Source {
  /** Left out: everything is read where it is. */
  readonly frozen?: FrozenFiles | undefined;
  /** Absolute paths to back up, none inside another, sorted. */
  readonly roots: readonly Uint8Array[];
  /**
   * Lists a directory, or only the entries named (a directory above a root).
   * @throws SourceError when it cannot be read.
   */
  list(path: Uint8Array, only?: readonly string[]): DirectoryListing;
  /** Details of the entry at `path`, whose row is given. */
  describe(path: Uint8Array, stats: Uint32Array, row: number): EntryDetails;
  /** What was left out so far and why; bounded, with a count of the rest. */
  readonly excluded: { readonly entries: readonly ExcludedEntry[]; readonly count: number };
  /** Where the content of a regular file lives, when this machine has only its name: reading it would fetch it. */
  livesElsewhere(path: Uint8Array, stats: Uint32Array, row: number): string | undefined;
}

/**
 * Copies databases that programs are writing, on the main thread (asks.md 19). One at a time is asked for. Nothing
 * beside the database may be created or changed, and whatever happens is an answer: a copy never fails a backup.
 */
export interface DatabaseCopies extends AsyncDisposable {
  copy(path: Uint8Array, row: Uint32Array): Promise<DatabaseCopy>;
}

export type DatabaseCopy =
  /** A consistent database of its own, with all that was committed; to be removed when it was read. */
  | {
      readonly kind: 'copied';
      readonly path: Uint8Array;
      /** Row of the copy. */
      readonly stats: Uint32Array;
      readonly remove: () => void;
    }
  /** To be read as it lies. The reason is there when the user must know it. */
  | { readonly kind: 'not-copied'; readonly reason: string | undefined };

/** The reading half, in a worker thread. Handles are small integers; negative answers are −errno. */
export interface ContentReader {
  /** Opens a regular file without following a link. `path` ends with a NUL byte. */
  open(path: Uint8Array): number;
  /** Row of the open file into `row`; false when it is no regular file any more. */
  stat(handle: number, row: Uint32Array): boolean;
  /** Bytes read into all of `into`, less only at the end of the file. */
  read(handle: number, into: Uint8Array, offset: number): number;
  /** Holes of a sparse file, at most 1,024, ascending. */
  holes(handle: number, size: number): readonly (readonly [offset: number, length: number])[];
  /** Where the next byte that is not in a hole stands, at or after `offset`; Infinity when the rest is a hole. */
  nextData(handle: number, offset: number): number;
  close(handle: number): void;
  /** Name of a negative answer, for example EACCES. */
  errorCode(answer: number): string;
}

const TYPE_MASK = 0o170000;
const NODE_TYPES = new Map<number, number>([
  [0o100000, 0],
  [0o040000, 1],
  [0o120000, 2],
  [0o010000, 3],
  [0o020000, 4],
  [0o060000, 5],
  [0o140000, 6],
]);

/** Node type (format.md §6) of a row; undefined for something that cannot be backed up. */
export function nodeTypeOf(stats: Uint32Array, row: number): number | undefined {
  return NODE_TYPES.get(stats[row * STAT_ROW_WORDS]! & TYPE_MASK);
}

/** Size in bytes of a row. */
export function sizeOf(stats: Uint32Array, row: number): number {
  const at = row * STAT_ROW_WORDS;
  return stats[at + 8]! + stats[at + 9]! * 0x1_0000_0000;
}
