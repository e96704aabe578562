/** What a comparison of two trees finds. */

export type DifferenceKind =
  | 'missing'
  | 'extra'
  | 'type'
  | 'size'
  | 'content'
  | 'mode'
  | 'owner'
  | 'mtime'
  | 'link-target'
  | 'device'
  | 'xattr'
  | 'hard-links'
  /** Takes more room than the original: fewer holes. */
  | 'holes'
  | 'unreadable';

export interface TreeDifference {
  /** Raw bytes, relative to both trees; empty for the trees themselves. */
  readonly path: Uint8Array;
  readonly kind: DifferenceKind;
  /**
   * 'hint': not wrong, but worth a look. 'changed-meanwhile': the original was changed after the time from which
   * changes are expected.
   */
  readonly weight: 'difference' | 'hint' | 'changed-meanwhile';
  /** Both values, or the reason. */
  readonly detail: string;
}

/** Counts of entries compared and of what was found. The trees are equal when `differences` is 0. */
export interface TreeComparison {
  readonly files: number;
  readonly directories: number;
  /** Links, FIFOs, devices, sockets. */
  readonly others: number;
  /** Content compared, in bytes of tree `a`. */
  readonly bytes: number;
  readonly skipped: number;
  readonly differences: number;
  readonly hints: number;
  readonly changedMeanwhile: number;
  /** False where this system gives no access to extended attributes. */
  readonly xattrsCompared: boolean;
}
