/** A part of a restore that is planned as a whole and kept small: entries in walk order, as rows and not as objects. */
import type { TreeNode } from '../../node-fields.ts';
import { FileRows, type FileXattrs } from './file-rows.ts';
import type { ItemFailure } from './item-failure.ts';
import { WantedContent } from './wanted-content.ts';

/** A slice is closed at the first of these. */
export const MAX_SLICE_ENTRIES = 40_000;
export const MAX_SLICE_PARTS = 200_000;
/** Bytes of attributes: they are held until the slice is carried out. */
const MAX_SLICE_XATTR_BYTES: number = 64 * 1024 * 1024;
/** The first one is small, so that the workers have something to do while the next is planned. */
export const FIRST_SLICE_ENTRIES = 4_000;

export interface PlannedLink {
  readonly path: Uint8Array;
  readonly node: TreeNode;
  /** Something has this name in the target. */
  readonly exists: boolean;
  /** Whole values; of what is no file. */
  readonly xattrs?: FileXattrs | undefined;
  /** Of an entry with several names. */
  readonly key?: string | undefined;
}

/** One more name of something that has an earlier one. */
export interface PlannedHardLink extends PlannedLink {
  readonly key: string;
}

export class RestoreSlice {
  readonly files: FileRows = new FileRows();
  readonly content: WantedContent = new WantedContent();
  /** Files without content, and those whose metadata alone is set. */
  readonly entries: number[] = [];
  /** Directories that are complete when this slice is. */
  readonly directories: FileRows = new FileRows();
  /** Which of them were there before. */
  readonly knownDirectories: Set<number> = new Set();
  /** Symbolic links and special files: made after the files. */
  readonly links: PlannedLink[] = [];
  readonly hardLinks: PlannedHardLink[] = [];
  /** Files that are the first name of several. */
  readonly firstNames: Map<number, string> = new Map();
  /** Files whose content list turned out broken while it was read. */
  readonly broken: Map<number, ItemFailure> = new Map();
  /** The last file, when its content goes on in the next slice. */
  continued: number | undefined;
  /** The first file, when it began in the slice before. */
  carried: number | undefined;
  /** Bytes that will be written. */
  bytes = 0;
  /** Of the last file, bytes that will be written in slices to come. */
  bytesToCome = 0;
  xattrBytes = 0;

  /** Full whatever the number of entries. */
  get isFull(): boolean {
    return this.content.count >= MAX_SLICE_PARTS || this.xattrBytes >= MAX_SLICE_XATTR_BYTES;
  }

  /** A first slice that is all there is, or nearly so: its plan takes little memory. */
  get isSmall(): boolean {
    return this.entriesPlanned < FIRST_SLICE_ENTRIES && !this.isFull;
  }

  get entriesPlanned(): number {
    return this.files.count + this.directories.count + this.links.length + this.hardLinks.length;
  }
}
