/** Writes an answer, and waits until it is gone or nobody takes it any more: memory and files are held until then. */
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { frameParts } from '@keephold/protocol/http';
import type { FastifyReply } from 'fastify';
import { ServerError } from './errors.ts';
import type { Result } from './handlers/handler.ts';

const BYTES = 'application/octet-stream';

export async function answer(reply: FastifyReply, result: Result): Promise<FastifyReply> {
  switch (result.kind) {
    case 'json':
      return await reply.send(result.value);
    case 'empty':
      return await reply.code(204).send();
    case 'absent':
      throw new ServerError('not-found', 'there is nothing here');
    case 'bytes': {
      const { buffer, byteOffset, byteLength } = result.bytes;
      return await sent(reply.type(BYTES).send(Buffer.from(buffer, byteOffset, byteLength)));
    }
    case 'frames':
      return await sent(reply.type(BYTES).send(Readable.from(parts(result.frames), { objectMode: false })));
  }
}

async function* parts(frames: AsyncIterable<Uint8Array | undefined>): AsyncGenerator<Uint8Array> {
  for await (const frame of frames) yield* frameParts(frame).filter((part) => part.length > 0);
}

async function sent(reply: FastifyReply): Promise<FastifyReply> {
  // A client that went away is no failure of ours.
  await finished(reply.raw).catch(() => {});
  return reply;
}
