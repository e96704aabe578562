/** Errors of this package. */

export type DrillErrorCode =
  /** Bytes that are no whole file of their format. */
  | 'broken-file'
  /** Nothing that can be said of the file: a limit, or something this system lacks. */
  | 'undecided-file'
  /** The decoder of images failed itself. */
  | 'decoder-spoiled'
  /** The history of drills cannot be read. */
  | 'history-damaged'
  /** The history of drills was written by a later version. */
  | 'history-newer';

export class DrillError extends Error {
  readonly code: DrillErrorCode;
  constructor(code: DrillErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** The message is a clause about the file: "it ends at byte 17, within its header". */
export class BrokenFileError extends DrillError {
  constructor(message: string, options?: ErrorOptions) {
    super('broken-file', message, options);
  }
}

export class UndecidedFileError extends DrillError {
  constructor(message: string, options?: ErrorOptions) {
    super('undecided-file', message, options);
  }
}

/** The process that decoded must end: what its decoder does from here on means nothing. */
export class SpoiledDecoderError extends DrillError {
  constructor(options: ErrorOptions) {
    super('decoder-spoiled', 'the decoder of images failed', options);
  }
}

export class HistoryError extends DrillError {
  constructor(code: 'history-damaged' | 'history-newer', message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
}
