/**
 * Reads an argument list by a table of options: --name value, --name=value, -q, -- (only operands follow). It must never
 * drop or reinterpret an argument it does not know.
 */
import { UsageError } from '../errors.ts';
import { nearestName } from './nearest-name.ts';
import type { Option, OptionTable, OptionValues } from './options.ts';

export interface ParsedArguments<O extends OptionTable> {
  readonly values: OptionValues<O>;
  readonly operands: readonly string[];
  /** Names of the options that were written. */
  readonly given: ReadonlySet<string>;
  /** What was not read because an operand came first (with stopAtOperand). */
  readonly rest: readonly string[];
}

export interface ParseOptions {
  /** Stop before the first operand and answer it and everything behind it as `rest`. */
  readonly stopAtOperand?: boolean;
}

interface Reading {
  readonly values: Record<string, unknown>;
  readonly operands: string[];
  readonly given: Set<string>;
  readonly pending: string[];
}

/** Throws UsageError for an unknown option, a missing or an unexpected value. */
export function parseArguments<O extends OptionTable>(
  args: readonly string[],
  table: O,
  options: ParseOptions = {},
): ParsedArguments<O> {
  const reading: Reading = { values: {}, operands: [], given: new Set(), pending: [...args] };
  for (const [name, option] of Object.entries(table)) reading.values[name] = option.initial;
  for (let next = reading.pending[0]; next !== undefined; next = reading.pending[0]) {
    if (!isOption(next) && options.stopAtOperand === true) break;
    reading.pending.shift();
    if (next === '--') reading.operands.push(...reading.pending.splice(0));
    else if (!isOption(next)) reading.operands.push(next);
    else if (next.startsWith('--')) readLong(next, table, reading);
    else readShort(next, table, reading);
  }
  const { operands, given, pending } = reading;
  return { values: reading.values as OptionValues<O>, operands, given, rest: pending };
}

/** A lone dash is an operand by custom. */
function isOption(argument: string): boolean {
  return argument.startsWith('-') && argument !== '-';
}

function readLong(argument: string, table: OptionTable, reading: Reading): void {
  const equals = argument.indexOf('=');
  const name = argument.slice(2, equals < 0 ? undefined : equals);
  const option = Object.hasOwn(table, name) ? table[name] : undefined;
  if (option === undefined) throw unknownOption(`--${name}`, table);
  take(name, option, equals < 0 ? undefined : argument.slice(equals + 1), reading);
}

/** -q, several flags as -vq, a value as -t VALUE or -tVALUE. */
function readShort(argument: string, table: OptionTable, reading: Reading): void {
  for (let at = 1; at < argument.length; at++) {
    const found = Object.entries(table).find(([, option]) => option.short === argument[at]);
    if (found === undefined) throw unknownOption(`-${argument[at]}`, table);
    const [name, option] = found;
    const attached = argument.slice(at + 1);
    if (option.arity === 'flag') {
      take(name, option, undefined, reading);
      continue;
    }
    take(name, option, attached === '' ? undefined : attached, reading);
    return;
  }
}

function take(name: string, option: Option<unknown>, attached: string | undefined, reading: Reading): void {
  let value = attached;
  if (option.arity === 'flag' && value !== undefined) throw new UsageError(`--${name} takes no value`);
  if (option.arity === 'required-value' && value === undefined) {
    value = reading.pending.shift();
    if (value === undefined) throw new UsageError(`--${name} needs a value (${option.valueName})`);
  }
  reading.values[name] = option.take(value, reading.values[name], name);
  reading.given.add(name);
}

function unknownOption(written: string, table: OptionTable): UsageError {
  const names = Object.keys(table).map((name) => `--${name}`);
  const near = nearestName(written, names);
  const hint = near === undefined ? 'see --help for the options of this command' : `did you mean ${near}?`;
  return new UsageError(`unknown option ${written}`, hint);
}
