/** What a server answers, into memory: never more than asked for. */
import { concatBytes } from '@keephold/bytes';
import { MalformedRecordError } from '@keephold/protocol';
import { checkJson, type Frame, FrameReader } from '@keephold/protocol/http';
import type { Answer } from './send.ts';

type Schema = Parameters<typeof checkJson>[0];

/** Longer than any answer in JSON that a server gives: a list of snapshots. */
const MOST_JSON = 64 * 1024 * 1024;

async function readPieces(
  { readBody }: Answer,
  limit: number,
  onPiece: (piece: Uint8Array, at: number) => void,
): Promise<number> {
  let length = 0;
  await readBody((piece) => {
    if (length + piece.length > limit) throw new MalformedRecordError(`read answer: more than ${limit} bytes`);
    onPiece(piece, length);
    length += piece.length;
  });
  return length;
}

export async function readBytes(response: Answer, limit: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  await readPieces(response, limit, (piece) => pieces.push(piece));
  return concatBytes(...pieces);
}

/** Of a route that answers nothing: to its end, so that the connection can be used again. */
export async function readNothing(response: Answer): Promise<void> {
  await readBytes(response, 0);
}

/** Answers the bytes read. */
export async function readInto(response: Answer, into: Uint8Array): Promise<number> {
  return await readPieces(response, into.length, (piece, at) => into.set(piece, at));
}

export async function readChecked<S extends Schema>(
  response: Answer,
  schema: S,
): Promise<ReturnType<typeof checkJson<S>>> {
  const bytes = await readBytes(response, MOST_JSON);
  try {
    return checkJson(schema, JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  } catch (cause) {
    throw new MalformedRecordError('read answer: it is not the JSON that belongs here', { cause });
  }
}

export interface FrameAnswerLimits {
  readonly length: number;
  readonly count: number;
  /** Bytes of all. */
  readonly total: number;
}

export async function readFrames(response: Answer, limits: FrameAnswerLimits): Promise<readonly Frame[]> {
  const reader = new FrameReader(limits);
  const frames: Frame[] = [];
  await readPieces(response, limits.total, (piece) => frames.push(...reader.push(piece)));
  reader.end();
  return frames;
}
