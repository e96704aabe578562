/**
 * The history of drills of one repository on one device: JSON, `{"version":1,"runs":[…]}`, oldest first. It is evidence
 * and no key: when it is lost, the trend begins anew and every file counts as never drilled, and that is all.
 */
import { utf8Decode, utf8Encode } from '@keephold/bytes';
import { HistoryError } from '../errors.ts';
import { type DrillProblem, type DrillRun, drillResults, MAX_PROBLEMS } from './drill-run.ts';

const VERSION = 1;
/** Over a year of daily drills. */
export const MAX_RUNS = 400;
/** Runs whose files are remembered one by one: up to 16 kB each. */
export const MAX_REMEMBERED = 128;
const MAX_TEXT = 2000;

/** The runs, with the new one, as far as they are kept. */
export function withRun(runs: readonly DrillRun[], run: DrillRun): readonly DrillRun[] {
  const kept = [...runs, run].slice(-MAX_RUNS);
  return kept.map((one, i) => (i >= kept.length - MAX_REMEMBERED ? one : { ...one, drilled: '' }));
}

export function encodeHistory(runs: readonly DrillRun[]): Uint8Array {
  return utf8Encode(JSON.stringify({ version: VERSION, runs }));
}

/** @throws HistoryError `history-damaged`, `history-newer` */
export function decodeHistory(bytes: Uint8Array): readonly DrillRun[] {
  const { version, runs } = record(parsed(bytes));
  if (typeof version === 'number' && version > VERSION)
    throw new HistoryError('history-newer', `read history of drills: it has version ${version}`);
  if (version !== VERSION || !Array.isArray(runs) || runs.length > MAX_RUNS) throw damaged('its form');
  return runs.map(runOf);
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(utf8Decode(bytes));
  } catch (cause) {
    throw new HistoryError('history-damaged', 'read history of drills: it is no JSON', { cause });
  }
}

function runOf(value: unknown): DrillRun {
  const { at, seed, snapshots, result, files, bytes, firstFileMs, restoreMs, counts, problems, drilled } =
    record(value);
  const known = drillResults.find((one) => one === result);
  if (known === undefined) throw damaged('a result');
  if (typeof drilled !== 'string' || !/^(?:[0-9a-f]{16}){0,4096}$/.test(drilled)) throw damaged('marks of files');
  return {
    at: number(at),
    seed: number(seed),
    snapshots: list(snapshots, 1000).map(number),
    result: known,
    files: number(files),
    bytes: number(bytes),
    firstFileMs: firstFileMs === undefined ? undefined : number(firstFileMs),
    restoreMs: number(restoreMs),
    counts: Object.fromEntries(Object.entries(record(counts)).map(([name, count]) => [text(name), number(count)])),
    problems: list(problems, MAX_PROBLEMS).map(problemOf),
    drilled,
  };
}

function problemOf(value: unknown): DrillProblem {
  const { outcome, path, reason } = record(value);
  return { outcome: text(outcome), path: text(path, 1 << 16), reason: text(reason) };
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw damaged('its form');
  return value as Readonly<Record<string, unknown>>;
}

function list(value: unknown, longest: number): readonly unknown[] {
  if (!Array.isArray(value) || value.length > longest) throw damaged('a list');
  return value;
}

function number(value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) throw damaged('a number');
  return value;
}

function text(value: unknown, longest: number = MAX_TEXT): string {
  if (typeof value !== 'string' || value.length > longest) throw damaged('a text');
  return value;
}

function damaged(what: string): HistoryError {
  return new HistoryError('history-damaged', `read history of drills: ${what} is not as it was written`);
}
