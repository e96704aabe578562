/** What an agent tells, as one sentence each. */
import type { AgentEvent, LedgerEntry, PlanState, Reason, RunRecord } from '@keephold/agent';
import { printable } from '../terminal/printable.ts';
import { counted, formatBytes, formatClock, formatDuration, formatShare } from '../terminal/units.ts';

/** Of one plan: when it was last backed up, when it will be, and if not, why. */
export function stateSentence(state: PlanState): string {
  const ask = state.silentMs === undefined ? '' : `; ${askClause(state.plan)}`;
  return `${printable(state.plan)}: ${lastClause(state)}; ${nextClause(state)}${ask}`;
}

/** What a person can do about a plan that is held back for too long. */
function askClause(plan: string): string {
  const name = printable(plan);
  return `it needs you: keephold backup --plan ${name} backs it up now, keephold plan edit ${name} can ask less of this machine`;
}

/** The same for a desktop, which shows two lines of it. */
export function askNotice({ plan, silentMs, why }: Extract<AgentEvent, { readonly type: 'needs-you' }>): {
  readonly title: string;
  readonly text: string;
} {
  const name = printable(plan);
  return {
    title: `${name}: no backup for ${formatDuration(silentMs)}`,
    text: `${printable(why.message)}. keephold backup --plan ${name} backs it up now.`,
  };
}

function lastClause({ lastGood, ageMs, isOverdue, goalMs }: PlanState): string {
  if (lastGood === undefined) return 'not backed up yet';
  const when =
    ageMs === undefined ? `at ${formatClock(lastGood.began.wall)} by the clock then` : `${formatDuration(ageMs)} ago`;
  const overdue = isOverdue && ageMs !== undefined ? `, ${formatDuration(ageMs - goalMs)} overdue` : '';
  const { unreadable = 0 } = lastGood;
  const without = unreadable > 0 ? ` without ${counted(unreadable, 'item')} that could not be read` : '';
  return `backed up ${when}${without}${overdue}`;
}

function nextClause({ state, why, nextAt, progress }: PlanState): string {
  switch (state) {
    case 'running':
      return `being backed up now${progress === undefined ? '' : `, ${progressClause(progress)}`}`;
    case 'waiting':
      return why === undefined ? 'waits' : waitClause(why);
    case 'idle':
      if (why !== undefined) return waitClause(why);
      return nextAt === undefined ? 'next when it is due' : `next at ${formatClock(nextAt)}`;
    case 'due':
      return 'due now';
  }
}

function progressClause({ files, bytes, totalBytes }: NonNullable<PlanState['progress']>): string {
  const share = totalBytes !== undefined && totalBytes >= bytes ? `${formatShare(bytes, totalBytes)}, ` : '';
  return `${share}${counted(files, 'file')}, ${formatBytes(bytes)}`;
}

function waitClause({ message, until }: Reason): string {
  return `does not run now: ${printable(message)}${until === undefined ? '' : `, until ${formatClock(until)}`}`;
}

/** Undefined for what is no sentence: progress. */
export function eventSentence(event: AgentEvent): string | undefined {
  switch (event.type) {
    case 'run-began':
      return `${printable(event.plan)}: backup begins`;
    case 'stopping':
      return `${printable(event.plan)}: backup is stopped: ${printable(event.why.message)}`;
    case 'run-ended':
      return `${printable(event.plan)}: ${runClause(event.run)}`;
    case 'waiting':
      return `${printable(event.plan)}: due, and ${waitClause(event.why)}`;
    case 'needs-you':
      return `${printable(event.plan)}: no backup for ${formatDuration(event.silentMs)}, ${printable(event.why.message)}; ${askClause(event.plan)}`;
    case 'clear':
      return `${printable(event.plan)}: no longer held back`;
    case 'away':
      return awaySentence(event.cause, event.from, event.to);
    case 'trouble':
      return `warning: ${printable(event.message)}`;
    case 'progress':
      return undefined;
  }
}

export function entrySentence(entry: LedgerEntry): string {
  switch (entry.kind) {
    case 'run':
      return `${printable(entry.plan)}: backup began`;
    case 'end':
      return `${printable(entry.plan)}: backup ended: ${outcomeWords[entry.outcome] ?? printable(entry.outcome)}`;
    case 'wait':
      return `${printable(entry.plan)}: due, and did not run: ${printable(entry.message)}${entry.until === undefined ? '' : `, until ${formatClock(entry.until)}`}`;
    case 'clear':
      return `${printable(entry.plan)}: no longer held back`;
    case 'away':
      return awaySentence(entry.cause, entry.from.wall, entry.at.wall);
  }
}

function awaySentence(cause: 'asleep' | 'no-agent', from: number, to: number): string {
  const what = cause === 'asleep' ? 'the machine was asleep' : 'no agent ran';
  return `${what} from ${formatClock(from)} to ${formatClock(to)}`;
}

const outcomeWords: Readonly<Record<string, string>> = {
  complete: 'done',
  partial: 'done, without what could not be read',
  stopped: 'stopped, with a checkpoint of what was stored',
  failed: 'failed',
};

function runClause({ outcome, message, snapshot, files, bytesStored }: RunRecord): string {
  const how = outcomeWords[outcome] ?? outcome;
  if (outcome === 'failed') return `backup ${how}: ${printable(message ?? 'it did not say why')}`;
  const what = files === undefined ? '' : `, ${counted(files, 'file')}, stored ${formatBytes(bytesStored ?? 0)}`;
  return `backup ${how}${snapshot === undefined ? '' : `, #${snapshot}`}${what}`;
}
