/** What a program did to the files beneath one folder, in the order in which it was done. */

/** Number of a file or folder, whatever it is called: names come and go. The root has number 0. */
export type Inode = number;

export interface Entry {
  readonly folder: Inode;
  /** One code unit a byte. */
  readonly name: string;
}

export type MadeKind = 'file' | 'folder' | 'link' | 'other';

export type Change =
  | {
      readonly kind: 'make';
      readonly inode: Inode;
      readonly at: Entry;
      readonly made: MadeKind;
      readonly mode: number;
      readonly target?: string;
    }
  | { readonly kind: 'write'; readonly inode: Inode; readonly offset: number; readonly bytes: Buffer }
  | { readonly kind: 'resize'; readonly inode: Inode; readonly size: number }
  | { readonly kind: 'enter'; readonly inode: Inode; readonly at: Entry }
  | { readonly kind: 'leave'; readonly at: Entry }
  | { readonly kind: 'move'; readonly inode: Inode; readonly from: Entry; readonly to: Entry }
  | { readonly kind: 'mode'; readonly inode: Inode; readonly mode: number }
  | { readonly kind: 'time'; readonly inode: Inode; readonly modified: number }
  | { readonly kind: 'attribute'; readonly inode: Inode; readonly name: string; readonly value: Buffer };

export type FileOperation =
  | Change
  /** Covers what was done before operation `since`: what runs beside a sync may be too late for it. */
  | { readonly kind: 'sync'; readonly inode: Inode | 'all'; readonly since: number }
  /** The program told something on its standard output. */
  | { readonly kind: 'print'; readonly text: string };

export function isChange(operation: FileOperation): operation is Change {
  return operation.kind !== 'sync' && operation.kind !== 'print';
}
