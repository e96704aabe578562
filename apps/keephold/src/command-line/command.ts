/** What a verb is: a description for help, a table of options, the operands it takes, and what it does. */
import type { Context } from '../context.ts';
import type { ExitCode } from '../errors.ts';
import type { OptionTable, OptionValues } from './options.ts';

export interface Operands {
  /** How usage names them: `PATH...`, `SNAPSHOT[:PATH]`, `[SNAPSHOT...]`. */
  readonly usage: string;
  readonly min: number;
  readonly max: number;
}

export interface Example {
  readonly command: string;
  readonly says: string;
}

export interface Invocation<O extends OptionTable> {
  readonly options: OptionValues<O>;
  readonly operands: readonly string[];
  /** Names of the options that were written. */
  readonly given: ReadonlySet<string>;
}

export interface CommandDescription<O extends OptionTable> {
  readonly name: string;
  readonly operands: Operands;
  /** Paragraphs. */
  readonly description: readonly string[];
  readonly options: O;
  readonly examples: readonly Example[];
  /** Whether it can work on a copy that is older than what this device has seen (--older-copy). */
  readonly readsOlderCopy?: boolean;
  run(context: Context, invocation: Invocation<O>): Promise<ExitCode>;
}

/** A description whose option types are forgotten, so that all verbs have one type. */
export type Command = CommandDescription<OptionTable>;

export function defineCommand<O extends OptionTable>(description: CommandDescription<O>): Command {
  return description as unknown as Command;
}
