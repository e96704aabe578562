/** Why everything was walked although somebody told what changed. */
export type FullWalkReason =
  /** What was told cannot be understood. */
  | 'unreadable-changes'
  /** A root lies where changes happen of which nobody hears. */
  | 'unwatchable'
  /** Files are read from a snapshot of their file system. */
  | 'file-system-snapshot'
  /** Nothing is known of an earlier walk, or there were too many folders that must be looked at again. */
  | 'no-last-walk'
  /** The changes are not counted from the last snapshot. */
  | 'other-snapshot'
  /** Options, rules, rights or mounts are not those of the last walk. */
  | 'other-view'
  /** The last run was interrupted. */
  | 'interrupted-before'
  /** The last full walk is too long ago, or in the future. */
  | 'due'
  /** A file got another name, which may be anywhere. */
  | 'hard-link'
  /** A folder is not the one it was, and nobody told. */
  | 'replaced-folder'
  /** The keeper lacks packs, or the cache is damaged. */
  | 'missing-data';

/** Ends a walk of what changed: all must be walked after all. */
export class FullWalkNeeded extends Error {
  readonly reason: FullWalkReason;
  constructor(reason: FullWalkReason) {
    super(`everything must be walked: ${reason}`);
    this.name = 'FullWalkNeeded';
    this.reason = reason;
  }
}

/** Whether everything was walked, or only what changed, as somebody told. */
export type WalkReport =
  | { readonly kind: 'all'; readonly because?: FullWalkReason | undefined }
  /** `listed`: directories that were looked into. */
  | { readonly kind: 'changed'; readonly listed: number };
