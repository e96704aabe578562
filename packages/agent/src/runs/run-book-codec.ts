/**
 * The book of runs as JSON: `{"version":1,"plans":{"home":[…]}}`. It is evidence and no key: without it every plan counts
 * as never run, and is backed up once more than needed.
 */
import { AgentError } from '../errors.ts';
import { asList, asMoment, asNumber, asRecord, asText } from '../fields.ts';
import { type RunBook, type RunRecord, runOutcomes } from './run-record.ts';

const VERSION = 1;
const MAX_PLANS = 1000;
const MAX_LISTED = 1000;

export function formatRunBook(book: RunBook): string {
  return JSON.stringify({ version: VERSION, plans: Object.fromEntries(book) });
}

/** @throws AgentError `malformed`, `newer` */
export function parseRunBook(text: string): RunBook {
  const { version, plans } = asRecord(parseJson(text), 'the book');
  if (typeof version === 'number' && version > VERSION)
    throw new AgentError('newer', `read book of runs: it has version ${version}`);
  if (version !== VERSION) throw new AgentError('malformed', 'read book of runs: it has no version');
  const entries = Object.entries(asRecord(plans, 'plans'));
  if (entries.length > MAX_PLANS) throw new AgentError('malformed', 'read book of runs: too many plans');
  return new Map(entries.map(([name, runs]) => [name, asList(runs, MAX_LISTED, 'runs').map(runOf)]));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AgentError('malformed', 'read book of runs: it is no JSON', { cause });
  }
}

function runOf(value: unknown): RunRecord {
  const run = asRecord(value, 'a run');
  const outcome = runOutcomes.find((one) => one === run['outcome']);
  if (outcome === undefined) throw new AgentError('malformed', 'read book of runs: an outcome is unknown');
  return {
    began: asMoment(run['began']),
    ended: asMoment(run['ended']),
    mark: asText(run['mark'], 'mark'),
    outcome,
    pid: asNumber(run['pid'], 'pid'),
    ...optional(run, ['code', 'message', 'snapshotId'], asText),
    ...optional(run, ['snapshot', 'listed', 'files', 'bytes', 'bytesStored', 'unreadable'], asNumber),
  };
}

function optional<T>(
  run: Readonly<Record<string, unknown>>,
  names: readonly string[],
  read: (value: unknown, what: string) => T,
): Readonly<Record<string, T>> {
  const there = names.filter((name) => run[name] !== undefined);
  return Object.fromEntries(there.map((name) => [name, read(run[name], name)]));
}
