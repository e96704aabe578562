/**
 * Lists a directory with the stat of every entry: one open, a few reads, one statx per entry, nothing else. This is
 * most of the time of a backup in which nothing changed, so rows go straight from the kernel's buffer into one array.
 */
import { type DirectoryListing, type EntryFailure, SourceError, STAT_ROW_WORDS } from '@keephold/engine';
import { AT_SYMLINK_NOFOLLOW, type Libc, openFlags, STATX_ALL } from '@keephold/ffi';
import { errorCode } from './error-code.ts';
import { openLongPath } from './open-long-path.ts';

const DIRENT_HEADER_BYTES = 19;
const DIRECTORY_TYPE = 4;
const UNKNOWN_TYPE = 0;
const DENTS_BYTES: number = 64 * 1024;

/** Decides by name alone whether an entry is left out. `isDirectory` undefined: the file system does not say. */
export type NameFilter = (name: Uint8Array, isDirectory: boolean) => boolean;

export interface DirectoryLister {
  list(path: Uint8Array, keep: NameFilter | undefined, only: readonly string[] | undefined): DirectoryListing;
}

export function createNativeLister(libc: Libc): DirectoryLister {
  return new NativeLister(libc);
}

class NativeLister implements DirectoryLister {
  readonly #libc: Libc;
  readonly #dents = new Uint8Array(DENTS_BYTES);
  readonly #dentsView = new DataView(this.#dents.buffer);
  readonly #stat = new Uint32Array(64);
  readonly #statBytes = new Uint8Array(this.#stat.buffer);

  constructor(libc: Libc) {
    this.#libc = libc;
  }

  list(path: Uint8Array, keep: NameFilter | undefined, only: readonly string[] | undefined): DirectoryListing {
    const flags = openFlags.readOnly | openFlags.directory | openFlags.noFollow | openFlags.closeOnExec;
    const directory = openLongPath(this.#libc, path, flags);
    if (directory < 0) throw failed(directory, path);
    const rows = new ListingRows();
    try {
      if (only !== undefined) this.#listOnly(directory, only, rows);
      else this.#listAll(directory, path, keep, rows);
    } finally {
      this.#libc.close(directory);
    }
    return rows.finish();
  }

  #listAll(directory: number, path: Uint8Array, keep: NameFilter | undefined, rows: ListingRows): void {
    for (;;) {
      const length = this.#libc.getdents64(directory, this.#dents);
      if (length < 0) throw failed(length, path);
      if (length === 0) return;
      for (let at = 0; at < length; at += this.#dentsView.getUint16(at + 16, true)) {
        const nameAt = at + DIRENT_HEADER_BYTES;
        const end = this.#dents.indexOf(0, nameAt);
        if (isDots(this.#dents, nameAt, end)) continue;
        if (keep !== undefined && !this.#isKept(directory, at, nameAt, end, keep)) continue;
        this.#statEntry(directory, this.#dents.subarray(nameAt, end + 1), rows);
      }
    }
  }

  #isKept(directory: number, at: number, nameAt: number, end: number, keep: NameFilter): boolean {
    let type = this.#dents[at + 18]!;
    if (type === UNKNOWN_TYPE) {
      const answer = this.#libc.statx(
        directory,
        this.#dents.subarray(nameAt, end + 1),
        AT_SYMLINK_NOFOLLOW,
        STATX_ALL,
        this.#statBytes,
      );
      if (answer >= 0 && (this.#stat[7]! & 0xffff) >> 12 === DIRECTORY_TYPE) type = DIRECTORY_TYPE;
    }
    return keep(this.#dents.subarray(nameAt, end), type === DIRECTORY_TYPE);
  }

  #listOnly(directory: number, only: readonly string[], rows: ListingRows): void {
    for (const name of only) this.#statEntry(directory, Buffer.from(`${name}\0`, 'latin1'), rows);
  }

  #statEntry(directory: number, nameZ: Uint8Array, rows: ListingRows): void {
    const answer = this.#libc.statx(directory, nameZ, AT_SYMLINK_NOFOLLOW, STATX_ALL, this.#statBytes);
    if (answer >= 0) {
      rows.add(latin1(nameZ, nameZ.length - 1), this.#stat);
      return;
    }
    const code = errorCode(answer);
    // Gone between the listing and the look: as if it had never been there.
    if (code !== 'ENOENT') rows.failures.push({ name: nameZ.slice(0, -1), code });
  }
}

/** Collects rows and sorts names at the end. */
export class ListingRows {
  readonly failures: EntryFailure[] = [];
  readonly #names: string[] = [];
  /** Grows and stays: a listing gets a copy of the rows it has. */
  static #scratch: Uint32Array = new Uint32Array(256 * STAT_ROW_WORDS);
  #stats = ListingRows.#scratch;

  /** `stat` is struct statx as 32-bit words. */
  add(name: string, stat: Uint32Array): void {
    const at = this.room(name);
    copyStatx(stat, this.#stats, at);
  }

  /** Makes room for the row of `name`; answers where it starts in `stats`. */
  room(name: string): number {
    const at = this.#names.length * STAT_ROW_WORDS;
    if (at === this.#stats.length) {
      const grown = new Uint32Array(this.#stats.length * 2);
      grown.set(this.#stats);
      ListingRows.#scratch = this.#stats = grown;
    }
    this.#names.push(name);
    return at;
  }

  get stats(): Uint32Array {
    return this.#stats;
  }

  finish(): DirectoryListing {
    const names = this.#names;
    const rows = names.map((_, i) => i);
    // Code units of these names are bytes, so the order of strings is the order of bytes.
    rows.sort((a, b) => (names[a]! < names[b]! ? -1 : 1));
    return {
      count: names.length,
      names: rows.map((row) => names[row]!),
      rows,
      stats: this.#stats.slice(0, names.length * STAT_ROW_WORDS),
      failures: this.failures,
    };
  }
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
  row[at + 25] = 0;
}

/** Bytes as a string of one code unit each. */
function latin1(bytes: Uint8Array, length: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, length).toString('latin1');
}

function isDots(bytes: Uint8Array, at: number, end: number): boolean {
  return bytes[at] === 0x2e && (end === at + 1 || (end === at + 2 && bytes[at + 1] === 0x2e));
}

function failed(answer: number, path: Uint8Array): SourceError {
  const code = errorCode(answer);
  return new SourceError(code, `list folder: ${code} (${Buffer.from(path).toString()})`);
}
