/** Errors of this package. */

export type AgentErrorCode =
  /** What was read is not as it is written. */
  | 'malformed'
  /** What was read was written by a later version. */
  | 'newer'
  /** Another agent of this user runs. */
  | 'agent-runs'
  /** The folder of the socket belongs to somebody else, or others can use it. */
  | 'not-private'
  /** An agent is there and does not answer as one. */
  | 'no-answer';

export class AgentError extends Error {
  readonly code: AgentErrorCode;
  constructor(code: AgentErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'AgentError';
    this.code = code;
  }
}
