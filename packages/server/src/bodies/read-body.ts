/** Takes in what a stranger sends, never more than allowed, hashing it on the way. */
import type { IncomingMessage } from 'node:http';
import { concatBytes } from '@keephold/bytes';
import { createSha256 } from '@keephold/crypto/verify';
import { ServerError } from '../errors.ts';
import { PACE, type Pace, paced } from './paced.ts';

export interface ReceivedBody {
  readonly bytes: Uint8Array;
  readonly sha256: Uint8Array;
}

/** @throws ServerError 'too-large' before a byte too many is kept, 'too-slow' */
export async function readBody(message: IncomingMessage, limit: number, pace: Pace = PACE): Promise<ReceivedBody> {
  requireLength(message, limit);
  const parts: Uint8Array[] = [];
  let length = 0;
  const hash = createSha256();
  for await (const chunk of paced(message, pace)) {
    length += chunk.length;
    if (length > limit) throw tooLarge(limit);
    hash.update(chunk);
    parts.push(chunk);
  }
  return { bytes: concatBytes(...parts), sha256: hash.digest() };
}

export interface ReadInto {
  readonly into: Uint8Array;
  readonly limit: number;
  readonly pace?: Pace | undefined;
}

/** As `readBody`, into memory that is there already: the answer is a view of it, and nothing is written after a failure. */
export async function readBodyInto(
  message: IncomingMessage,
  { into, limit, pace = PACE }: ReadInto,
): Promise<ReceivedBody> {
  requireLength(message, limit);
  let length = 0;
  const hash = createSha256();
  for await (const chunk of paced(message, pace)) {
    if (length + chunk.length > limit) throw tooLarge(limit);
    hash.update(chunk);
    into.set(chunk, length);
    length += chunk.length;
  }
  return { bytes: into.subarray(0, length), sha256: hash.digest() };
}

function requireLength(message: IncomingMessage, limit: number): void {
  if (Number(message.headers['content-length'] ?? 0) > limit) throw tooLarge(limit);
}

function tooLarge(limit: number): ServerError {
  return new ServerError('too-large', `the body is longer than ${limit} bytes`);
}
