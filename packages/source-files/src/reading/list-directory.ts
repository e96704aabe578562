/**
 * Lists a directory with the stat of every entry: one open, a few reads, one statx per entry, nothing else. This is
 * most of the time of a backup in which nothing changed, so rows go straight from the kernel's buffer into one array.
 */
import { type DirectoryListing, type EntryFailure, NodeFlag, SourceError, STAT_ROW_WORDS } from '@keephold/engine';
import { AT_SYMLINK_NOFOLLOW, type Libc, openFlags, STATX_ALL } from '@keephold/ffi';
import { errorCode } from './error-code.ts';
import { openLongPath } from './open-long-path.ts';

/** Inode flags that are part of a file (format.md §6, key 17); statx tells them without opening it. */
const KEPT_FLAGS = NodeFlag.compressed | NodeFlag.immutable | NodeFlag.appendOnly | NodeFlag.noDump;
const DIRENT_HEADER_BYTES = 19;
const DIRECTORY_TYPE = 4;
const UNKNOWN_TYPE = 0;
const DENTS_BYTES: number = 64 * 1024;
/** Names have at most 255 bytes on the file systems there are; some allow four times that. */
const NAME_BYTES = 4096;

/** Decides by name alone whether an entry stays. `name` has one code unit a byte. */
export type NameFilter = (name: string, isDirectory: boolean) => boolean;

export interface DirectoryLister {
  list(path: Uint8Array, keep: NameFilter | undefined, only: readonly string[] | undefined): DirectoryListing;
}

export function createNativeLister(libc: Libc): DirectoryLister {
  return new NativeLister(libc);
}

class NativeLister implements DirectoryLister {
  readonly #libc: Libc;
  readonly #dents = Buffer.alloc(DENTS_BYTES);
  readonly #name = Buffer.alloc(NAME_BYTES);
  readonly #stat = new Uint32Array(64);
  readonly #statBytes = new Uint8Array(this.#stat.buffer);
  /** Grows and stays: a listing gets a copy of the rows it has. */
  #rows = new Uint32Array(256 * STAT_ROW_WORDS);

  constructor(libc: Libc) {
    this.#libc = libc;
  }

  list(path: Uint8Array, keep: NameFilter | undefined, only: readonly string[] | undefined): DirectoryListing {
    const flags = openFlags.readOnly | openFlags.directory | openFlags.noFollow | openFlags.closeOnExec;
    const directory = openLongPath(this.#libc, path, flags);
    if (directory < 0) throw failed(directory, path);
    try {
      if (only !== undefined) return this.#statAll(directory, [...only], 'asked for');
      return this.#statAll(directory, this.#names(directory, path, keep), 'listed');
    } finally {
      this.#libc.close(directory);
    }
  }

  /** Names of the entries that stay, in the order the directory gives them. */
  #names(directory: number, path: Uint8Array, keep: NameFilter | undefined): string[] {
    const names: string[] = [];
    const dents = this.#dents;
    for (;;) {
      const length = this.#libc.getdents64(directory, dents);
      if (length < 0) throw failed(length, path);
      if (length === 0) return names;
      for (let at = 0; at < length; at += dents[at + 16]! | (dents[at + 17]! << 8)) {
        const nameAt = at + DIRENT_HEADER_BYTES;
        const end = dents.indexOf(0, nameAt);
        if (isDots(dents, nameAt, end)) continue;
        const name = dents.toString('latin1', nameAt, end);
        if (keep === undefined || keep(name, this.#isDirectory(directory, name, dents[at + 18]!))) names.push(name);
      }
    }
  }

  #isDirectory(directory: number, name: string, type: number): boolean {
    if (type !== UNKNOWN_TYPE) return type === DIRECTORY_TYPE;
    return this.#statOne(directory, name) >= 0 && (this.#stat[7]! & 0xf000) >> 12 === DIRECTORY_TYPE;
  }

  #statAll(directory: number, names: string[], origin: 'asked for' | 'listed'): DirectoryListing {
    // Code units of these names are bytes, so the order of strings is the order of bytes.
    names.sort();
    const failures: EntryFailure[] = [];
    let count = 0;
    this.#reserve(names.length);
    for (const name of names) {
      const answer = this.#statOne(directory, name);
      if (answer >= 0) {
        copyStatx(this.#stat, this.#rows, count * STAT_ROW_WORDS);
        names[count++] = name;
        continue;
      }
      const code = errorCode(answer);
      // Gone between the listing and the look: as if it had never been there, unless somebody wants just that.
      if (code !== 'ENOENT' || origin === 'asked for') failures.push({ name: Buffer.from(name, 'latin1'), code });
    }
    names.length = count;
    return { count, names, rows: rowNumbers(count), stats: this.#rows.slice(0, count * STAT_ROW_WORDS), failures };
  }

  #statOne(directory: number, name: string): number {
    const { length } = name;
    for (let i = 0; i < length; i++) this.#name[i] = name.charCodeAt(i);
    this.#name[length] = 0;
    return this.#libc.statx(directory, this.#name, AT_SYMLINK_NOFOLLOW, STATX_ALL, this.#statBytes);
  }

  #reserve(count: number): void {
    if (count * STAT_ROW_WORDS > this.#rows.length) this.#rows = new Uint32Array(count * STAT_ROW_WORDS * 2);
  }
}

/** 0, 1, 2…: shared by all listings, since rows stand in the order of names. */
let ascending: number[] = [];

export function rowNumbers(count: number): readonly number[] {
  if (ascending.length < count) ascending = Array.from({ length: count * 2 }, (_, i) => i);
  return ascending;
}

/** struct statx (linux/stat.h) into a stat row. */
export function copyStatx(stat: Uint32Array, row: Uint32Array, at: number): void {
  row[at] = stat[7]! & 0xffff;
  row[at + 1] = stat[5]!;
  row[at + 2] = stat[6]!;
  row[at + 3] = stat[30]!;
  row[at + 4] = stat[26]!;
  row[at + 5] = 0;
  row[at + 6] = stat[8]!;
  row[at + 7] = stat[9]!;
  row[at + 8] = stat[10]!;
  row[at + 9] = stat[11]!;
  row[at + 10] = stat[28]!;
  row[at + 11] = stat[29]!;
  row[at + 12] = stat[24]!;
  row[at + 13] = stat[25]!;
  row[at + 14] = stat[35]!;
  row[at + 15] = stat[34]!;
  row[at + 16] = stat[4]!;
  row[at + 17] = stat[22]!;
  row[at + 18] = stat[20]!;
  row[at + 19] = stat[21]!;
  row[at + 20] = stat[32]!;
  row[at + 21] = stat[33]!;
  row[at + 22] = stat[12]!;
  row[at + 23] = stat[13]!;
  row[at + 24] = (stat[0]! & 0x800) === 0 ? 0 : 1;
  row[at + 25] = stat[2]! & KEPT_FLAGS;
}

function isDots(bytes: Uint8Array, at: number, end: number): boolean {
  return bytes[at] === 0x2e && (end === at + 1 || (end === at + 2 && bytes[at + 1] === 0x2e));
}

function failed(answer: number, path: Uint8Array): SourceError {
  const code = errorCode(answer);
  return new SourceError(code, `list folder: ${code} (${Buffer.from(path).toString()})`);
}
