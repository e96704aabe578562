/** What is known of a run that did not write its own record: it was killed, or could not be started. */
import type { Reason } from '../decide.ts';
import type { Moment } from '../timing/moment.ts';
import type { RunOutcome, RunRecord } from './run-record.ts';
import type { RunEnd } from './runner.ts';

export interface UnrecordedRun {
  readonly mark: string;
  readonly began: Moment;
  readonly ended: Moment;
  readonly pid: number;
  readonly end: RunEnd;
  /** Why it was asked to stop, if it was. */
  readonly stopped: Reason | undefined;
}

const MAX_MESSAGE = 300;
/** Its own, of a run that could not write its record though it was done: exit codes of the command. */
const outcomes: Readonly<Record<number, RunOutcome>> = { 0: 'complete', 3: 'partial', 130: 'stopped' };

export function unrecordedRun({ mark, began, ended, pid, end, stopped }: UnrecordedRun): RunRecord {
  if (stopped !== undefined) {
    const { code, message } = stopped;
    return { mark, began, ended, outcome: 'stopped', pid, code, message };
  }
  const outcome = end.exitCode === undefined ? 'failed' : (outcomes[end.exitCode] ?? 'failed');
  if (outcome !== 'failed') return { mark, began, ended, outcome, pid };
  const how = end.exitCode === undefined ? 'the run was killed' : `the run ended with exit code ${end.exitCode}`;
  const message = end.lastWords === '' ? how : `${how}: ${end.lastWords}`;
  return { mark, began, ended, outcome, pid, code: 'killed', message: message.slice(0, MAX_MESSAGE) };
}
