/** Whether a value is of its schema. What comes over a wire is hostile: nothing is believed before. */
import type { Static, TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { MalformedRecordError } from '../errors.ts';

/** @throws MalformedRecordError */
export function checkJson<S extends TSchema>(schema: S, value: unknown): Static<S> {
  if (!Value.Check(schema, value)) throw new MalformedRecordError('read JSON: it is not of the form that belongs here');
  return value as Static<S>;
}
