/** Failures of keepers and of the records they keep. Codes are stable: exit codes and pages follow from them. */
export type CustodyErrorCode =
  | 'no-repository' // there is nothing here
  | 'newer-version' // made by a newer Keephold
  | 'no-room' // disk full or quota
  | 'no-permission'
  | 'damaged' // stored bytes are not what was stored
  | 'keychain-damaged' // the same of the log on which everything else stands
  | 'refused' // the request breaks a rule of the ledger
  | 'read-only'
  | 'unavailable'; // try again later

export interface CustodyErrorOptions extends ErrorOptions {
  /** What to do next, where its code does not say it well enough. */
  readonly hint?: string | undefined;
}

export class CustodyError extends Error {
  readonly code: CustodyErrorCode;
  readonly hint: string | undefined;
  constructor(code: CustodyErrorCode, message: string, options?: CustodyErrorOptions) {
    super(message, options);
    this.name = 'CustodyError';
    this.code = code;
    this.hint = options?.hint;
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

export type ChainErrorCode =
  | 'rollback' // older than what this device has seen
  | 'fork' // another history than the one this device has seen
  | 'gap' // a record is missing in between
  | 'bad-signature'
  | 'unauthorised' // signed by someone who may not
  | 'keychain-mismatch' // stands on a keychain entry that is not the one we know, or on an older one than before
  | 'keychain-behind' // stands on a keychain entry that was not fetched yet
  | 'conflict' // contradicts an earlier entry
  | 'newer-version'; // needs a newer Keephold

/** A record that is well formed but must not be believed: the chain of commits or of keychain entries is broken. */
export class ChainError extends Error {
  readonly code: ChainErrorCode;
  constructor(code: ChainErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** What is shown is older than what was seen before. */
export class RollbackError extends ChainError {
  constructor(message: string, options?: ErrorOptions) {
    super('rollback', message, options);
  }
}

/** What is shown is another history than the one seen before. Keep the evidence: it proves that the keeper lied. */
export class ForkError extends ChainError {
  /** The record that does not belong to the history known here, when there is one. */
  readonly evidence: Uint8Array | undefined;
  constructor(message: string, evidence?: Uint8Array) {
    super('fork', message);
    this.evidence = evidence;
  }
}

/**
 * Whether an entry of the keychain fails as one does that rotted, or that somebody without the keys changed: not another
 * history, not one that is older than what was seen, and not one that asks for a newer program.
 */
export function isKeychainDamage(error: unknown): error is ChainError | MalformedRecordError {
  if (error instanceof MalformedRecordError) return true;
  if (!(error instanceof ChainError)) return false;
  return error.code !== 'fork' && error.code !== 'rollback' && error.code !== 'newer-version';
}
