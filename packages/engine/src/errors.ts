/** Failures of the engine. Codes are stable: exit codes and texts follow from them. */
export type EngineErrorCode =
  | 'damaged' // stored bytes do not decode to what was stored
  | 'missing' // something that a signed record names is not there
  | 'purged-early' // the keeper or a device took something away before its time
  | 'not-found' // the user named something that does not exist
  | 'refused' // the request makes no sense here
  | 'interrupted'
  | 'no-progress'; // the keeper keeps refusing

export interface EngineErrorOptions extends ErrorOptions {
  /** Id of the blob that cannot be read; the cause says why, and nothing of the blob. */
  readonly blob?: Uint8Array;
}

export class EngineError extends Error {
  readonly code: EngineErrorCode;
  readonly blob: Uint8Array | undefined;
  constructor(code: EngineErrorCode, message: string, options?: EngineErrorOptions) {
    super(message, options);
    this.name = 'EngineError';
    this.code = code;
    this.blob = options?.blob;
  }
}

/** Stored bytes that are not what was stored. */
export class DamagedError extends EngineError {
  constructor(message: string, options?: EngineErrorOptions) {
    super('damaged', message, options);
    this.name = 'DamagedError';
  }
}

/** Something named by a valid record is not there. */
export class MissingDataError extends EngineError {
  constructor(message: string, options?: EngineErrorOptions) {
    super('missing', message, options);
    this.name = 'MissingDataError';
  }
}
