/**
 * The Target seam: where a restore writes. Synchronous on purpose: files are written inside worker threads, one call
 * per step. The tree is hostile (security.md §8): a target never writes outside its root, follows no link, overwrites
 * nothing it was not told to, and makes links last.
 *
 * Paths are relative to the root: name bytes joined by '/', never empty, each component already checked by the engine
 * (not empty, '.', '..', no NUL, no '/'); a target checks again. Parents exist before children are made.
 */
import type { TreeNode } from './node-fields.ts';

/** What could not be restored of an item whose content is right. */
export interface MetadataProblem {
  readonly what: 'owner' | 'mode' | 'set-id' | 'times' | 'xattr' | 'acl' | 'flags';
  readonly reason: string;
}

export interface ExistingEntry {
  readonly type: TreeNode['type'];
  readonly size: number;
  readonly mtime: bigint;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly inode: bigint;
}

/** The part of a node a target applies; xattr values are whole here. */
export interface RestoredMetadata {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly user?: Uint8Array | undefined;
  readonly group?: Uint8Array | undefined;
  readonly mtime: bigint;
  readonly xattrs?: readonly { readonly name: Uint8Array; readonly value: Uint8Array }[] | undefined;
  readonly flags?: number | undefined;
}

export interface Target {
  /** The entry at this path without following a link; undefined when there is none. */
  inspect(path: Uint8Array): ExistingEntry | undefined;
  /**
   * Whether the entry has what a restore takes away when the snapshot lacks it: attributes of users, ACLs, flags. False
   * where that cannot be told.
   */
  hasAttributes(path: Uint8Array): boolean;
  /** Names in a directory of the target, raw bytes, any order (for --delete). */
  list(path: Uint8Array): readonly Uint8Array[];
  /** Creates a directory only its owner can enter, or answers when it is there; `path` empty means the root itself. */
  makeDirectory(path: Uint8Array): void;
  /**
   * Creates a file of this size (all hole) under a temporary name beside its own and answers a handle. It gets its name
   * in finishFile, so that no part of a file is ever seen under it. Without `replace` an existing entry is an error
   * (EEXIST), here or then; with it, its place is taken then.
   */
  createFile(path: Uint8Array, size: number, options: { readonly replace: boolean }): number;
  /** Writes all of `bytes` (may be shared memory) at `offset`. */
  writeAt(handle: number, bytes: Uint8Array, offset: number): void;
  /** Applies metadata (times last), closes, takes the final name. Not applied parts come back as problems. */
  finishFile(handle: number, metadata: RestoredMetadata): readonly MetadataProblem[];
  /** Closes and removes what createFile made. */
  abandonFile(handle: number): void;
  makeSymlink(path: Uint8Array, linkTarget: Uint8Array, metadata: RestoredMetadata): readonly MetadataProblem[];
  makeHardLink(path: Uint8Array, existing: Uint8Array): void;
  /** FIFO, device or socket; throws when not permitted (options of the target decide). */
  makeSpecial(
    path: Uint8Array,
    node: Pick<TreeNode, 'type' | 'device'>,
    metadata: RestoredMetadata,
  ): readonly MetadataProblem[];
  /** Metadata of an existing entry whose content is right already; of a directory after everything in it is done. */
  applyMetadata(path: Uint8Array, metadata: RestoredMetadata): readonly MetadataProblem[];
  /**
   * Sets the PROTECTING_FLAGS among `flags`, when everything else is done: further names and what is in a directory
   * included. The other methods leave these flags out, or answer a problem when this restore may not set them.
   */
  protect(path: Uint8Array, flags: number): readonly MetadataProblem[];
  /** Removes an entry; directories with everything in them. */
  remove(path: Uint8Array): void;
  /** Makes everything that was done durable, as far as the system can be asked to. */
  sync(): void;
  /** Bytes that can still be written. */
  freeBytes(): number;
  close(): void;
}
