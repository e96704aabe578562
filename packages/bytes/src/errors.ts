/** Errors of this package. Every failure on hostile input is one of these, never a bare `Error`. */

export class BytesError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** Text that is not the hex, base64url or UTF-8 it should be. */
export class EncodingError extends BytesError {}

/** A number, offset or size outside what the operation allows. */
export class OutOfRangeError extends BytesError {
  constructor(message: string) {
    super('out-of-range', message);
  }
}

export type CborErrorCode =
  | 'cbor-truncated'
  | 'cbor-not-canonical'
  | 'cbor-unsupported'
  | 'cbor-unexpected-type'
  | 'cbor-too-deep'
  | 'cbor-trailing-bytes'
  | 'cbor-unencodable';

/** CBOR that is not the deterministic subset of format.md, or a value that has no encoding in it. */
export class CborError extends BytesError {
  declare readonly code: CborErrorCode;
  /** Where in the input the fault lies; undefined when encoding. */
  readonly offset: number | undefined;

  constructor(code: CborErrorCode, cause: string, offset?: number) {
    const action = offset === undefined ? 'encode CBOR' : 'decode CBOR';
    super(code, `${action}: ${cause}${offset === undefined ? '' : ` (offset ${offset})`}`);
    this.offset = offset;
  }
}
