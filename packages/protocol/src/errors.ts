/** Failures of keepers and of the records they keep. Codes are stable: exit codes and pages follow from them. */
export type CustodyErrorCode =
  | 'no-repository' // there is nothing here
  | 'newer-version' // made by a newer Keephold
  | 'no-room' // disk full or quota
  | 'no-permission'
  | 'damaged' // stored bytes are not what was stored
  | 'refused' // the request breaks a rule of the ledger
  | 'read-only'
  | 'unavailable'; // try again later

export class CustodyError extends Error {
  readonly code: CustodyErrorCode;
  constructor(code: CustodyErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CustodyError';
    this.code = code;
  }
}

/** A record that breaks its format: not to be trusted in any part. */
export class MalformedRecordError extends Error {
  readonly code = 'malformed';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'MalformedRecordError';
  }
}
