/** Writes into the book of runs how a backup of a plan went, whoever started it: the agent goes by it, status tells it. */
import { type Moment, type RunRecord, systemClock } from '@keephold/agent';
import { toHex } from '@keephold/bytes';
import type { BackupReport } from '@keephold/engine/node';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../errors.ts';
import { type Plan, planMark } from '../plans/plan.ts';
import { AgentFolder } from './agent-folder.ts';

type Recorded = Omit<RunRecord, 'mark' | 'pid'>;

export interface BackupEnd {
  readonly code: ExitCode;
  readonly report: BackupReport;
}

/** Without a plan there is nothing to remember it by. */
export async function recordingRun(
  context: Context,
  plan: Plan | undefined,
  run: () => Promise<BackupEnd>,
): Promise<ExitCode> {
  if (plan === undefined) return (await run()).code;
  const clock = systemClock({ wall: () => context.now() });
  const began = clock.now();
  try {
    const { code, report } = await run();
    record(context, plan, { began, ended: clock.now(), ...outcomeOf(code), ...sums(report) });
    return code;
  } catch (error) {
    record(context, plan, await failure(error, began, clock.now()));
    throw error;
  }
}

async function failure(error: unknown, began: Moment, ended: Moment): Promise<Recorded> {
  const { explainError } = await import('../explain-error.ts');
  const { code, message, exitCode } = explainError(error);
  const outcome = exitCode === exitCodes.interrupted ? 'stopped' : 'failed';
  return { began, ended, outcome, code: code.slice(0, 100), message: message.slice(0, 500) };
}

function outcomeOf(code: ExitCode): Pick<RunRecord, 'outcome'> {
  if (code === exitCodes.interrupted) return { outcome: 'stopped' };
  return { outcome: code === exitCodes.done ? 'complete' : 'partial' };
}

function sums({ snapshot, walk, files, bytes, bytesStored, unreadable }: BackupReport): Partial<RunRecord> {
  return {
    ...(snapshot !== undefined && { snapshot: snapshot.seq, snapshotId: toHex(snapshot.id) }),
    ...(walk.kind === 'changed' && { listed: walk.listed }),
    files: files.new + files.changed + files.unchanged,
    bytes,
    bytesStored,
    unreadable: unreadable.length,
  };
}

/** What was backed up is backed up, whether it is written here or not. */
function record({ environment, out }: Context, plan: Plan, run: Recorded): void {
  const folder = new AgentFolder(environment);
  try {
    folder.make();
    folder.addRun(plan.name, { ...run, mark: planMark(plan), pid: process.pid });
  } catch (error) {
    out.warn(`how this backup went is not remembered: ${(error as Error).message}`);
  }
}
