/** Errors of this package. */

export type ConditionsErrorCode =
  /** What stands where the rules of a plan should is none. */
  'rules-malformed';

export class ConditionsError extends Error {
  readonly code: ConditionsErrorCode;
  constructor(code: ConditionsErrorCode, message: string) {
    super(message);
    this.name = new.target.name;
    this.code = code;
  }
}
