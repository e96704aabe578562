/** The one shape of signed public records: CBOR ‖ Ed25519 signature of 64 bytes (format.md §7, security.md §3.11). */
import { concatBytes } from '@keephold/bytes';
import { MalformedRecordError } from './errors.ts';

export const SIGNATURE_LENGTH = 64;
/** Nothing that is signed is longer; the same bound as for sealed objects. */
const MAX_RECORD_LENGTH = 16 * 1024 * 1024;

export interface SignedRecord {
  /** The CBOR, a view. */
  readonly body: Uint8Array;
  /** 64 bytes, a view. */
  readonly signature: Uint8Array;
}

/** @throws MalformedRecordError unless the signature has 64 bytes. */
export function joinSigned(body: Uint8Array, signature: Uint8Array): Uint8Array<ArrayBuffer> {
  if (signature.length !== SIGNATURE_LENGTH) {
    throw new MalformedRecordError(`join signed record: signature of ${signature.length} bytes`);
  }
  return concatBytes(body, signature);
}

/** @throws MalformedRecordError when the length cannot be that of a signed record. */
export function splitSigned(bytes: Uint8Array, what: string): SignedRecord {
  if (bytes.length <= SIGNATURE_LENGTH || bytes.length > MAX_RECORD_LENGTH) {
    throw new MalformedRecordError(`read ${what}: ${bytes.length} bytes`);
  }
  const end = bytes.length - SIGNATURE_LENGTH;
  return { body: bytes.subarray(0, end), signature: bytes.subarray(end) };
}
