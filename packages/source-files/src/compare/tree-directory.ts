/** A directory as the comparison of trees sees it: names, stats, links, attributes and files, following no link. */
import type { XattrReading } from '../xattrs.ts';

export interface EntryStat {
  /** Type and permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** UTC nanoseconds. */
  readonly mtime: bigint;
  readonly ctime: bigint;
  /** Equal for names of one file. */
  readonly identity: string;
  readonly linkCount: number;
  /** 512-byte units on the disk. */
  readonly blocks: number;
  readonly device: string;
}

/** Names are latin1 text, one character a byte. Everything throws what the system answers. */
export interface TreeDirectory {
  /** Sorted by bytes. */
  names(): readonly string[];
  stat(name: string): EntryStat;
  /** Of the directory itself. */
  statSelf(): EntryStat;
  linkTarget(name: string): Uint8Array;
  /** File descriptor for reading. */
  openFile(name: string): number;
  /** Undefined where the system has no way to read them. */
  xattrs(name: string): XattrReading | undefined;
  enter(name: string): TreeDirectory;
  close(): void;
}

/** Order of bytes: these strings have one code unit for each. */
export function compareNames(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
