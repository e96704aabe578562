/** Failures over HTTP: RFC 9457 problem documents. `code` is stable and what programs go by; texts are for people. */
import { type Static, Type } from 'typebox';
import type { CustodyErrorCode } from '../errors.ts';

export type ProblemCode =
  | CustodyErrorCode
  | 'unauthenticated' // no session, an old one, or a proof that does not fit
  | 'forbidden' // this device may not
  | 'sign-in-refused' // wrong password or words, or no such account
  | 'sign-up-refused' // wrong, used or expired invitation, or a name that is taken
  | 'factor-refused' // a wrong or used code, of somebody who has shown the password
  | 'too-many-tries'
  | 'over-quota' // the account has used up what it may have
  | 'suspended' // the account, by an admin: nothing new is taken
  | 'not-found'
  | 'malformed' // the request breaks its schema
  | 'too-large'
  | 'too-slow'
  | 'stopping' // the server is about to end: try again
  | 'busy' // too much at once: try again
  | 'failed'; // a fault of the server

export const problemStatus: Readonly<Record<ProblemCode, number>> = {
  'no-repository': 404,
  'newer-version': 409,
  'no-room': 507,
  'no-permission': 500,
  damaged: 500,
  'keychain-damaged': 500,
  refused: 422,
  'read-only': 403,
  unavailable: 503,
  unauthenticated: 401,
  forbidden: 403,
  'sign-in-refused': 403,
  'sign-up-refused': 403,
  'factor-refused': 403,
  'too-many-tries': 429,
  'over-quota': 507,
  suspended: 403,
  'not-found': 404,
  malformed: 400,
  'too-large': 413,
  'too-slow': 408,
  stopping: 503,
  busy: 503,
  failed: 500,
};

const codes = Object.keys(problemStatus) as ProblemCode[];

export const Problem = Type.Object({
  type: Type.String({ description: 'urn:keephold:problem:CODE' }),
  title: Type.String(),
  status: Type.Integer({ minimum: 400, maximum: 599 }),
  code: Type.Unsafe<ProblemCode>(Type.String({ enum: codes })),
  detail: Type.Optional(Type.String({ maxLength: 2000 })),
});
export type Problem = Static<typeof Problem>;

export const PROBLEM_TYPE = 'application/problem+json';

export function problemOf(code: ProblemCode, title: string, detail?: string): Problem {
  const type = `urn:keephold:problem:${code}`;
  return { type, title, status: problemStatus[code], code, ...(detail !== undefined && { detail }) };
}

export function isProblemCode(code: string): code is ProblemCode {
  return Object.hasOwn(problemStatus, code);
}
