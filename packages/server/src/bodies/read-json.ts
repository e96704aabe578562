/** A JSON body against its schema. */
import type { IncomingMessage } from 'node:http';
import { utf8Decode } from '@keephold/bytes';
import { checkJson, type RouteBody } from '@keephold/protocol/http';
import { ServerError } from '../errors.ts';
import { readBody } from './read-body.ts';

type Schema = Parameters<typeof checkJson>[0];

/** @throws ServerError 'malformed' */
export function readJson(schema: Schema, bytes: Uint8Array): unknown {
  try {
    return checkJson(schema, JSON.parse(utf8Decode(bytes)));
  } catch (cause) {
    throw new ServerError('malformed', 'the body is not the JSON that belongs here', { cause });
  }
}

/** The body of a stranger. `T` is what the route's schema says. @throws ServerError 'malformed', 'too-large' */
export async function readJsonBody<T>(message: IncomingMessage, { schema, limit }: RouteBody): Promise<T> {
  const { bytes } = await readBody(message, limit);
  return readJson(schema as Schema, bytes) as T;
}
