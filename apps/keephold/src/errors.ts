/** Exit codes (product.md) and the errors of the command itself. Errors of packages are translated in explain-error.ts. */
import { getSystemErrorMessage } from 'node:util';

export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  /** Done, but some items could not be read or restored. */
  partial: 3,
  /** What a plan asks of the machine before it runs by itself does not hold. */
  notNow: 4,
  noRepository: 10,
  noRoom: 11,
  wrongKey: 12,
  damaged: 13,
  /** An agent that the system is to start again: it was replaced by another version. */
  startAgain: 75,
  interrupted: 130,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export interface CommandErrorOptions extends ErrorOptions {
  readonly code: string;
  readonly exitCode: ExitCode;
  /** What to do next; printed on its own line. */
  readonly hint?: string | undefined;
}

/** A failure that the command found by itself; `code` is stable, the message says what failed and why. */
export class CommandError extends Error {
  readonly code: string;
  readonly exitCode: ExitCode;
  readonly hint: string | undefined;
  constructor(message: string, options: CommandErrorOptions) {
    super(message, options);
    this.name = 'CommandError';
    this.code = options.code;
    this.exitCode = options.exitCode;
    this.hint = options.hint;
  }
}

/** The command was called in a way it cannot follow (exit code 2). */
export class UsageError extends CommandError {
  constructor(message: string, hint?: string) {
    super(message, { code: 'usage', exitCode: exitCodes.usage, hint });
    this.name = 'UsageError';
  }
}

/** The user or the system asked the command to stop (exit code 130). */
export class InterruptedError extends CommandError {
  constructor() {
    super('stopped', { code: 'interrupted', exitCode: exitCodes.interrupted });
    this.name = 'InterruptedError';
  }
}

/** Standard output goes somewhere that takes no more: not the repository's doing, and nothing there is undone by it. */
export class OutputError extends CommandError {
  constructor(cause: NodeJS.ErrnoException) {
    const why = cause.errno === undefined ? cause.message : getSystemErrorMessage(cause.errno);
    const isFull = cause.code === 'ENOSPC' || cause.code === 'EDQUOT';
    super(`standard output cannot be written: ${why}`, {
      code: 'output',
      exitCode: isFull ? exitCodes.noRoom : exitCodes.failed,
      hint: 'the output ends in the middle, so do not rely on it; whatever was stored or restored until then stays',
      cause,
    });
    this.name = 'OutputError';
  }
}
