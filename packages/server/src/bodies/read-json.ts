/** A JSON body against its schema. */
import { utf8Decode } from '@keephold/bytes';
import { checkJson } from '@keephold/protocol/http';
import { ServerError } from '../errors.ts';

type Schema = Parameters<typeof checkJson>[0];

/** @throws ServerError 'malformed' */
export function readJson(schema: Schema, bytes: Uint8Array): unknown {
  try {
    return checkJson(schema, JSON.parse(utf8Decode(bytes)));
  } catch (cause) {
    throw new ServerError('malformed', 'the body is not the JSON that belongs here', { cause });
  }
}
