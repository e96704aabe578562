/** What a server answers, into memory: never more than asked for. */
import { concatBytes } from '@keephold/bytes';
import { MalformedRecordError } from '@keephold/protocol';
import { checkJson, type Frame, FrameReader } from '@keephold/protocol/http';
import type { Answer } from './send.ts';

type Schema = Parameters<typeof checkJson>[0];

/** Longer than any answer in JSON that a server gives: a list of snapshots. */
const MOST_JSON = 64 * 1024 * 1024;

async function* chunksOf(response: Answer, limit: number): AsyncGenerator<Uint8Array> {
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += (chunk as Uint8Array).length;
    if (length > limit) throw new MalformedRecordError(`read answer: more than ${limit} bytes`);
    yield chunk as Uint8Array;
  }
}

export async function readBytes(response: Answer, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of chunksOf(response, limit)) chunks.push(chunk);
  return concatBytes(...chunks);
}

/** Of a route that answers nothing: to its end, so that the connection can be used again. */
export async function readNothing(response: Answer): Promise<void> {
  await readBytes(response, 0);
}

/** Answers the bytes read. */
export async function readInto(response: Answer, into: Uint8Array): Promise<number> {
  let length = 0;
  for await (const chunk of chunksOf(response, into.length)) {
    into.set(chunk, length);
    length += chunk.length;
  }
  return length;
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
  for await (const chunk of chunksOf(response, limits.total)) frames.push(...reader.push(chunk));
  reader.end();
  return frames;
}
