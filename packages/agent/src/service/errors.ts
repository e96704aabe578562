/** Errors of services of the system. */

export type ServiceErrorCode =
  /** The system has no service manager that is known here. */
  | 'no-manager'
  /** The service manager, or what gives the right to use it, did not do what it was asked. */
  | 'refused'
  /** It was started, and does not answer. */
  | 'not-answering';

export class ServiceError extends Error {
  readonly code: ServiceErrorCode;
  /** What to do next. */
  readonly hint: string | undefined;
  constructor(code: ServiceErrorCode, message: string, hint?: string) {
    super(message);
    this.name = 'ServiceError';
    this.code = code;
    this.hint = hint;
  }
}
