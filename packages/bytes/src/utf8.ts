/** UTF-8 that refuses what it cannot represent: no U+FFFD appears that was not there before. */

import { EncodingError } from './errors.ts';

const encoder = new TextEncoder();
// ignoreBOM keeps a leading U+FEFF; otherwise decoding would not be the inverse of encoding.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @throws EncodingError when the text has a lone surrogate. */
export function utf8Encode(text: string): Uint8Array<ArrayBuffer> {
  if (!text.isWellFormed()) throw new EncodingError('utf8-surrogate', 'encode UTF-8: the text has a lone surrogate');
  return encoder.encode(text) as Uint8Array<ArrayBuffer>;
}

/** @throws EncodingError when the bytes are not valid UTF-8. */
export function utf8Decode(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new EncodingError('utf8-invalid', `decode UTF-8: invalid bytes (${bytes.length} given)`, { cause });
  }
}
