/** Errors of this package. None carries key material or plaintext, so they may be logged and shown. */

export class CryptoError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

export type IntegrityCode = 'integrity-tag' | 'integrity-key-check' | 'integrity-padding' | 'integrity-place';

/** Well-formed bytes that are not what was sealed here: altered, moved to another place, or under another key. */
export class IntegrityError extends CryptoError {
  declare readonly code: IntegrityCode;

  constructor(code: IntegrityCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
}

/** Bytes that are no sealed object or page at all: wrong length, magic or reserved field. */
export class MalformedObjectError extends CryptoError {
  constructor(message: string) {
    super('malformed-object', message);
  }
}

export type DowngradeCode = 'downgrade-version' | 'downgrade-suite' | 'downgrade-argon2';

/** A version, suite or cost that this program does not accept; raised before anything is computed with it. */
export class DowngradeError extends CryptoError {
  declare readonly code: DowngradeCode;

  constructor(code: DowngradeCode, message: string) {
    super(code, message);
  }
}

/** A key, id, salt or seed that cannot be one: a wrong length, or a public key that is no point. */
export class InvalidKeyError extends CryptoError {
  constructor(message: string, options?: ErrorOptions) {
    super('invalid-key', message, options);
  }
}

export type InvalidWordsCode = 'words-count' | 'words-unknown' | 'words-checksum';

/** Recovery words that cannot be right. Never holds a word itself, only its position. */
export class InvalidWordsError extends CryptoError {
  declare readonly code: InvalidWordsCode;
  /** Position of the unknown word, from 1. */
  readonly position: number | undefined;

  constructor(code: InvalidWordsCode, message: string, position?: number) {
    super(code, message);
    this.position = position;
  }
}
