/**
 * Options as data: what a verb accepts, how a value is read from text, and what help says. Reading must never guess: a
 * value that is not exactly what the option takes is a usage error.
 */
import { UsageError } from '../errors.ts';

export type Arity = 'flag' | 'required-value' | 'optional-value';

export interface Option<T> {
  readonly arity: Arity;
  /** How help names the value: PATTERN, DIR, N. */
  readonly valueName: string;
  readonly help: string;
  /** One letter, without the dash. */
  readonly short?: string | undefined;
  /** The value when the option is not given. */
  readonly initial: T;
  /** The value after one more occurrence; text is undefined where no value was written. */
  take(text: string | undefined, before: T, name: string): T;
}

/** Values differ from option to option; their types come back through OptionValues. */
export type OptionTable = Readonly<Record<string, Option<unknown>>>;
export type OptionValues<O extends OptionTable> = {
  readonly [K in keyof O]: O[K] extends Option<infer T> ? T : never;
};

interface Described {
  readonly help: string;
  readonly short?: string;
}
interface Valued extends Described {
  readonly value: string;
}

export function flag(described: Described): Option<boolean> {
  return { ...described, arity: 'flag', valueName: '', initial: false, take: () => true };
}

/** Text, at most once. */
export function text(described: Valued): Option<string | undefined> {
  return {
    ...described,
    arity: 'required-value',
    valueName: described.value,
    initial: undefined,
    take(written, before, name) {
      if (before !== undefined) throw new UsageError(`--${name} is given twice`);
      return written ?? '';
    },
  };
}

/** Text, any number of times, in order. */
export function texts(described: Valued): Option<readonly string[]> {
  return {
    ...described,
    arity: 'required-value',
    valueName: described.value,
    initial: [],
    take: (written, before) => [...before, written ?? ''],
  };
}

export function oneOf<const C extends string>(described: {
  readonly choices: readonly C[];
  readonly initial: C;
  readonly help: string;
}): Option<C> {
  const { choices, help, initial } = described;
  return {
    arity: 'required-value',
    valueName: choices.join('|'),
    help,
    initial,
    take(written, _before, name) {
      const found = choices.find((choice) => choice === written);
      if (found === undefined) throw new UsageError(`--${name} takes ${listOf(choices)}, not ${quoted(written)}`);
      return found;
    },
  };
}

interface Range {
  readonly min: number;
  readonly max: number;
}

/** A whole number within a range, or undefined when not given. */
export function integer(described: Valued & Range): Option<number | undefined> {
  return {
    ...described,
    arity: 'required-value',
    valueName: described.value,
    initial: undefined,
    take: (written, _before, name) => readInteger(written, described, name),
  };
}

/** A whole number with a default. */
export function integerOr(described: Valued & Range & { readonly initial: number }): Option<number> {
  return {
    ...described,
    arity: 'required-value',
    valueName: described.value,
    take: (written, _before, name) => readInteger(written, described, name),
  };
}

function readInteger(written: string | undefined, { min, max }: Range, name: string): number {
  const value = /^\d{1,15}$/.test(written ?? '') ? Number(written) : Number.NaN;
  if (value >= min && value <= max) return value;
  const limits = max >= Number.MAX_SAFE_INTEGER ? `from ${min}` : `from ${min} to ${max}`;
  throw new UsageError(`--${name} takes a whole number ${limits}, not ${quoted(written)}`);
}

const scales: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1e3,
  kb: 1e3,
  m: 1e6,
  mb: 1e6,
  g: 1e9,
  gb: 1e9,
  t: 1e12,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** As it is written for people; undefined when it is none. */
export function readByteCount(written: string): number | undefined {
  const parts = /^(\d{1,12}(?:\.\d{1,6})?) ?([a-z]{0,3})$/i.exec(written);
  const scale = scales[(parts?.[2] ?? '-').toLowerCase()];
  return scale === undefined ? undefined : Math.round(Number(parts?.[1]) * scale);
}

/** A number of bytes: 5MB, 256MiB, 1.5GB, 1000. */
export function byteCount(described: Valued & Range): Option<number | undefined> {
  return {
    ...described,
    arity: 'required-value',
    valueName: described.value,
    initial: undefined,
    take(written, _before, name) {
      const value = readByteCount(written ?? '') ?? Number.NaN;
      if (value >= described.min && value <= described.max) return value;
      throw new UsageError(
        `--${name} takes a size such as 5MB or 256MiB (at least ${described.min} bytes), not ${quoted(written)}`,
      );
    },
  };
}

const milliseconds: Readonly<Record<string, number>> = { s: 1000, min: 60_000, h: 3_600_000 };

/** A time, in milliseconds: 90s, 5min, 2h. */
export function duration(described: Valued & { readonly initial: number }): Option<number> {
  return {
    ...described,
    arity: 'required-value',
    valueName: described.value,
    take(written, _before, name) {
      const parts = /^(\d{1,6}) ?(s|min|h)$/.exec(written ?? '');
      const value = Number(parts?.[1] ?? 0) * (milliseconds[parts?.[2] ?? ''] ?? 0);
      if (value > 0) return value;
      throw new UsageError(`--${name} takes a time such as 90s, 5min or 2h, not ${quoted(written)}`);
    },
  };
}

/** A share from 0 to 1, written as 5% or 0.05; the option without a value means `bare`. */
export function share(described: Valued & { readonly bare: number }): Option<number | undefined> {
  return {
    ...described,
    arity: 'optional-value',
    valueName: described.value,
    initial: undefined,
    take(written, _before, name) {
      if (written === undefined) return described.bare;
      const parts = /^(\d{1,3}(?:\.\d{1,6})?)(%?)$/.exec(written);
      const value = Number(parts?.[1] ?? Number.NaN) / (parts?.[2] === '%' ? 100 : 1);
      if (value > 0 && value <= 1) return value;
      throw new UsageError(`--${name} takes a share such as 5% or 100%, not ${quoted(written)}`);
    },
  };
}

/** A whole number of percent, such as 10%, or undefined when not given. */
export function percent(described: Valued & Range): Option<number | undefined> {
  const { min, max } = described;
  return {
    ...described,
    arity: 'required-value',
    valueName: described.value,
    initial: undefined,
    take(written, _before, name) {
      const value = Number(/^(\d{1,3})%$/.exec(written ?? '')?.[1] ?? Number.NaN);
      if (value >= min && value <= max) return value;
      throw new UsageError(`--${name} takes ${min}% to ${max}%, such as 10%, not ${quoted(written)}`);
    },
  };
}

function quoted(written: string | undefined): string {
  return `"${written ?? ''}"`;
}

function listOf(choices: readonly string[]): string {
  return `${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`;
}
