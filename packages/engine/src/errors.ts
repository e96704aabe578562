/** Failures of the engine. Codes are stable: exit codes and texts follow from them. */
export type EngineErrorCode =
  | 'damaged' // stored bytes do not decode to what was stored
  | 'missing' // something that a signed record names is not there
  | 'purged-early' // the keeper or a device took something away before its time
  | 'not-found' // the user named something that does not exist
  | 'refused' // the request makes no sense here
  | 'interrupted'
  | 'no-progress'; // the keeper keeps refusing

export class EngineError extends Error {
  readonly code: EngineErrorCode;
  constructor(code: EngineErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'EngineError';
    this.code = code;
  }
}

/** Stored bytes that are not what was stored. */
export class DamagedError extends EngineError {
  constructor(message: string, options?: ErrorOptions) {
    super('damaged', message, options);
    this.name = 'DamagedError';
  }
}

/** Something named by a valid record is not there. */
export class MissingDataError extends EngineError {
  constructor(message: string, options?: ErrorOptions) {
    super('missing', message, options);
    this.name = 'MissingDataError';
  }
}
