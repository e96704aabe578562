/** From what was thrown to a problem document: what strangers may know of a failure, and no more. */
import { AccountsError, type AccountsErrorCode } from '@keephold/accounts';
import { ChainError, CustodyError, MalformedRecordError } from '@keephold/protocol';
import { type Problem, type ProblemCode, problemOf } from '@keephold/protocol/http';
import { ServerError } from './errors.ts';

const titles: Readonly<Partial<Record<ProblemCode, string>>> = {
  'no-room': 'there is no room left',
  damaged: 'what is stored is damaged',
  'keychain-damaged': 'the keychain of the account is damaged',
  unavailable: 'this is not possible right now; try again later',
  'not-found': 'there is nothing here',
  failed: 'the server failed',
};

const accountProblems: Readonly<Record<AccountsErrorCode, ProblemCode>> = {
  'sign-in-refused': 'sign-in-refused',
  'sign-up-refused': 'sign-up-refused',
  'factor-refused': 'factor-refused',
  'factor-exists': 'refused',
  'too-many-tries': 'too-many-tries',
  'pairing-refused': 'refused',
  'no-such-plan': 'refused',
  'no-such-account': 'refused',
  'not-admin': 'forbidden',
  'own-account': 'refused',
  'no-mail': 'refused',
  'wrong-code': 'refused',
  malformed: 'malformed',
  'newer-version': 'failed',
};

/** Texts of a custody can name its folders: only refusals, which speak of the request, are passed on. */
export function asProblem(error: unknown): Problem {
  if (error instanceof ServerError) return problemOf(error.code, error.message);
  if (error instanceof AccountsError) return problemOf(accountProblems[error.code], error.message);
  if (error instanceof CustodyError && error.code === 'refused') {
    return problemOf('refused', 'the request breaks a rule', error.message);
  }
  if (error instanceof CustodyError) return problemOf(error.code, titles[error.code] ?? 'the server cannot do this');
  if (error instanceof MalformedRecordError || error instanceof ChainError) {
    return problemOf('refused', 'the request breaks a rule', error.message);
  }
  return problemOf(codeOfFramework(error), 'the request cannot be read');
}

function codeOfFramework(error: unknown): ProblemCode {
  const { statusCode, validation } = error as { readonly statusCode?: unknown; readonly validation?: unknown };
  if (validation !== undefined) return 'malformed';
  if (typeof statusCode !== 'number' || statusCode >= 500 || statusCode < 400) return 'failed';
  return statusCode === 413 ? 'too-large' : statusCode === 404 ? 'not-found' : 'malformed';
}
