/**
 * Rules as they stand in JSON that people may edit: what is unknown or of the wrong kind is refused and named.
 *
 *     { "batteryAbove": 0.4, "unmetered": true, "wifi": ["Home"], "between": ["22:00-06:00"] }
 */
import { type DayWindow, parseDayWindow } from './day-window.ts';
import { ConditionsError } from './errors.ts';
import type { ConditionRules } from './rules.ts';

/** What a plan can say itself. */
type Written = Omit<ConditionRules, 'online'>;
type Readers = { readonly [K in keyof Written]-?: (value: unknown, name: K) => Written[K] | undefined };

const readers: Readers = {
  onMains: mark,
  batteryAbove: share,
  unmetered: mark,
  wifi: texts,
  notOnVpn: mark,
  idle: mark,
  loadBelow: positive,
  coolerThan: positive,
  between: windows,
};

/** @throws ConditionsError `rules-malformed`: a clause that names the field */
export function readRules(value: unknown): ConditionRules {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed('it is not an object');
  const fields = Object.entries(value).map(([name, written]): [string, unknown] => {
    if (!Object.hasOwn(readers, name)) throw malformed(`there is no field "${name}"`);
    const read = readers[name as keyof Readers] as (value: unknown, name: string) => unknown;
    return [name, read(written, name)];
  });
  return Object.fromEntries(fields.filter(([, read]) => read !== undefined));
}

/** False is what a person writes who takes a rule back: it asks nothing. */
function mark(value: unknown, name: string): true | undefined {
  if (typeof value !== 'boolean') throw malformed(`"${name}" is neither true nor false`);
  return value || undefined;
}

function share(value: unknown, name: string): number {
  if (typeof value === 'number' && value >= 0 && value < 1) return value;
  throw malformed(`"${name}" is no number from 0 to below 1`);
}

function positive(value: unknown, name: string): number {
  if (typeof value === 'number' && value > 0 && Number.isFinite(value)) return value;
  throw malformed(`"${name}" is no number above 0`);
}

function texts(value: unknown, name: string): readonly string[] {
  const isList = Array.isArray(value) && value.length > 0;
  if (isList && value.every((text) => typeof text === 'string' && text !== '')) return value as string[];
  throw malformed(`"${name}" is no list of texts`);
}

function windows(value: unknown, name: string): readonly DayWindow[] {
  return texts(value, name).map((text) => {
    const window = parseDayWindow(text);
    if (window === undefined) throw malformed(`"${name}" has "${text}", which is no time such as "22:00-06:00"`);
    return window;
  });
}

function malformed(why: string): ConditionsError {
  return new ConditionsError('rules-malformed', why);
}
