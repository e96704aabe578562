/** What a backup and the process that copies databases say to each other: one message each way for a database. */

export interface CopyRequest {
  /** Absolute, raw bytes. */
  readonly path: Uint8Array;
  /** Of the file that was listed under this path. */
  readonly inode: bigint;
  /** File to be made. Its folder is private. */
  readonly target: string;
}

export type CopyAnswer =
  | { readonly kind: 'copied' }
  /** The reason is there when the user must know it. */
  | { readonly kind: 'not-copied'; readonly reason: string | undefined };
