/**
 * A directory entry as trees hold it (format.md §6), decoded. Absent keys are undefined. Names, link targets, user and
 * group are raw bytes; times are UTC nanoseconds.
 */
import type { BlobId } from '@keephold/protocol';

export const NodeType = {
  file: 0,
  directory: 1,
  symlink: 2,
  fifo: 3,
  charDevice: 4,
  blockDevice: 5,
  socket: 6,
} as const;
export type NodeType = (typeof NodeType)[keyof typeof NodeType];

/** Inode flags that are kept (format.md §6, key 17): the numbers of Linux. */
export const NodeFlag = { compressed: 0x4, immutable: 0x10, appendOnly: 0x20, noDump: 0x40 } as const;
/** Those after which an entry, or what is in it, cannot be changed. */
export const PROTECTING_FLAGS: number = NodeFlag.immutable | NodeFlag.appendOnly;
/** Capture notes (format.md §6): how a file was captured when not by plainly reading it. */
export const LIVE = 'live';
export const SQLITE_BACKUP = 'sqlite-backup';
export const PLACEHOLDER = 'placeholder';
export const FS_SNAPSHOT = 'fs-snapshot';

export interface ContentPart {
  readonly blob: BlobId;
  readonly length: number;
}

export interface TreeNode {
  readonly name: Uint8Array;
  readonly type: NodeType;
  /** Permission, set-id and sticky bits, 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly user?: Uint8Array;
  readonly group?: Uint8Array;
  readonly mtime: bigint;
  readonly ctime?: bigint;
  readonly btime?: bigint;
  readonly size?: number;
  /** Parts of the content, or the id of a list blob when there are more than 256; absent for an empty file. */
  readonly content?: readonly ContentPart[] | BlobId;
  readonly subtree?: BlobId;
  readonly linkTarget?: Uint8Array;
  readonly device?: readonly [major: number, minor: number];
  /** inode u64 ‖ dev u64, only when the link count is over 1: equal values are names of one file. */
  readonly hardLink?: Uint8Array;
  readonly xattrs?: readonly Xattr[];
  readonly flags?: number;
  readonly holes?: readonly (readonly [offset: number, length: number])[];
  readonly note?: string;
}

export interface Xattr {
  readonly name: Uint8Array;
  /** The value, or parts of it when it is longer than 4 KiB. */
  readonly value: Uint8Array | readonly ContentPart[];
}
