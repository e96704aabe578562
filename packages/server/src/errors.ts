/** Failures that this package names itself; those of the keeper pass through as CustodyError. */
import type { ProblemCode } from '@keephold/protocol/http';

export class ServerError extends Error {
  readonly code: ProblemCode;
  constructor(code: ProblemCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ServerError';
    this.code = code;
  }
}

/** One text for every reason: nobody learns which account, device or key there is. */
export function unauthenticated(): ServerError {
  return new ServerError('unauthenticated', 'this needs a session of a device of the account, and a fresh proof');
}
