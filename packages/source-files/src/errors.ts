/** Errors of this package; what the system refuses comes as SystemError of @keephold/ffi or Node's own errors. */

export class SourceFilesError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

export type TargetErrorCode =
  /** A path that could leave the target: empty, '.', '..', a NUL or a slash in a name. */
  | 'unsafe-path'
  /** A part of the path is a link or no directory. */
  | 'link-in-path'
  /** A device node without the option that allows it, or on a system that has none. */
  | 'not-permitted'
  /** A handle that is not open, or a write outside the announced size. */
  | 'bad-handle'
  /** Not possible on this system. */
  | 'unsupported';

/** A step of a restore that this target refuses by itself. */
export class TargetError extends SourceFilesError {
  declare readonly code: TargetErrorCode;

  constructor(code: TargetErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
}

/** Rules for excludes that cannot be used. */
export class ExcludeError extends SourceFilesError {}

export type SnapshotErrorCode =
  /** None can be made of what is to be backed up. */
  | 'snapshot-unavailable'
  /** It was removed by somebody while it was read. */
  | 'snapshot-lost'
  /** It could not be removed; the next run tries again. */
  | 'snapshot-left';

/** A snapshot of a file system that cannot be used as a source. */
export class SnapshotError extends SourceFilesError {
  declare readonly code: SnapshotErrorCode;

  constructor(code: SnapshotErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
}

export type WatchErrorCode =
  /** Not on this system, or not here: what is there may change without an event. */
  | 'watch-unsupported'
  /** More folders than the system lets a user watch, other programs' share left alone. */
  | 'watch-limit'
  /** Something was missed: a queue ran over, a root was moved, a file system went away. */
  | 'watch-gap';

/** Folders that are not watched, or not any more. */
export class WatchError extends SourceFilesError {
  declare readonly code: WatchErrorCode;

  constructor(code: WatchErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
}
