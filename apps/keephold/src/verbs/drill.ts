/** `keephold drill`: restores a sample, compares it, opens it, and remembers how it went. */

import { systemRandom } from '@keephold/crypto';
import { openRepositoryFolder } from '@keephold/custody';
import { type DrillTrend, drillTrend } from '@keephold/drill';
import { DrillHistory, type ReadHistory } from '../access/drill-history.ts';
import { openForReading } from '../access/open-for-reading.ts';
import { repositoryFolder } from '../access/repository-folder.ts';
import { type Command, defineCommand } from '../command-line/command.ts';
import { byteCount, duration, flag, integer } from '../command-line/options.ts';
import { parseSnapshotPath } from '../command-line/snapshot-path.ts';
import type { Context } from '../context.ts';
import { CommandError, type ExitCode, exitCodes, InterruptedError, UsageError } from '../errors.ts';
import type { DrillReport } from '../jobs/drill/drill-report.ts';
import { drillSnapshots } from '../jobs/drill/drill-snapshots.ts';
import { runDrill } from '../jobs/drill/run-drill.ts';
import { tellDrill, tellFile, tellFolders } from '../jobs/drill/tell-drill.ts';
import { tellHistory } from '../jobs/drill/tell-history.ts';

const MAX_SNAPSHOTS = 100;
const DEFAULT_SIZE = 500e6;
const DEFAULT_TIME = 300_000;

export const drill: Command = defineCommand({
  name: 'drill',
  operands: { usage: '[SNAPSHOT...]', min: 0, max: MAX_SNAPSHOTS },
  description: [
    'Restores a sample of the newest snapshot of every series (or of those named) into a temporary folder, the way any restore goes, and looks at it: every file is compared with the index and, where the file here is still the one that was backed up, byte for byte with that. Databases are opened with SQLite and checked, PNG images decoded, archives unpacked, other images, films and PDFs gone through to their end.',
    'Documents, photos and databases are drawn sooner than other files, and so are large ones, old ones, and those that no drill has had yet. What does not open is told apart: a file that is as broken here as in the backup was already so when it was backed up, and is no failure.',
    'The temporary folder is removed in any case. How it went is remembered on this computer; --history shows it, and whether restoring has become slower. Without that memory the next drill begins a new one, and nothing else is lost.',
  ],
  options: {
    size: byteCount({ value: 'SIZE', min: 1, max: 1e15, help: 'restore at most this much (500MB)' }),
    time: duration({ value: 'TIME', initial: DEFAULT_TIME, help: 'end after this time (5min)' }),
    seed: integer({ value: 'N', min: 0, max: 0xffff_ffff, help: 'draw as the drill with this seed did' }),
    verbose: flag({ short: 'v', help: 'name every file, and how it was opened' }),
    history: flag({ help: 'restore nothing: show earlier drills and their trend' }),
    'max-age': integer({
      value: 'DAYS',
      min: 1,
      max: 36_500,
      help: 'with --history: fail when the last good drill is older',
    }),
  },
  examples: [
    { command: 'keephold drill', says: 'half a gigabyte, five minutes at most' },
    { command: 'keephold drill --size 20GB --time 2h', says: 'a long one, for a night' },
    { command: 'keephold drill --seed 1753 --verbose', says: 'the same files as a drill before' },
    { command: 'keephold drill --history --max-age 14', says: 'for a monitor: exit code 1 when the last is too old' },
  ],
  readsOlderCopy: true,
  async run(context, { operands, options, given }) {
    if (options['max-age'] !== undefined && !options.history)
      throw new UsageError('--max-age is for --history', 'keephold drill --help shows examples');
    if (options.history) {
      const drilling = ['size', 'time', 'seed', 'verbose'].filter((name) => given.has(name));
      if (drilling.length > 0 || operands.length > 0)
        throw new UsageError(
          `--history restores nothing: leave out ${[...drilling.map((name) => `--${name}`), ...operands].join(' ')}`,
        );
      return await showHistory(context, options['max-age']);
    }
    return await drillOnce(context, {
      names: operands.map((operand) => wholeSnapshot(operand)),
      size: options.size ?? DEFAULT_SIZE,
      time: options.time,
      seed: options.seed ?? randomSeed(),
      verbose: options.verbose,
    });
  },
});

function wholeSnapshot(operand: string): string {
  const { snapshot, hasPath } = parseSnapshotPath(operand);
  if (hasPath) throw new UsageError(`a drill is of whole snapshots: write ${snapshot}`);
  return snapshot;
}

function randomSeed(): number {
  return Buffer.from(systemRandom(4)).readUInt32LE(0);
}

interface Wish {
  readonly names: readonly string[];
  readonly size: number;
  readonly time: number;
  readonly seed: number;
  readonly verbose: boolean;
}

async function drillOnce(context: Context, { names, size, time, seed, verbose }: Wish): Promise<ExitCode> {
  const { out } = context;
  await using access = await openForReading(context);
  const history = new DrillHistory(context.environment, await access.custody.accountId());
  const { runs: earlier, fault } = history.read();
  warnOf(context, fault);
  const snapshots = await drillSnapshots(access.repository, names);
  const isOlder = names.length === 0 && access.repository.log.isEndUnread;
  if (isOlder) out.warn('newer snapshots may be there, and their commits are damaged');
  let telling = Promise.resolve();
  const report = await runDrill(context, access, {
    snapshots,
    seed,
    size,
    time,
    earlier,
    onFile: (file) => {
      telling = telling.then(() => tellFile(out, file, { verbose }));
    },
  });
  await telling;
  await tellFolders(out, report);
  const trend = remember(context, history, { report, earlier });
  await tellDrill(out, report, trend);
  if (report.interrupted) throw new InterruptedError();
  return exitCodeOf(report, isOlder);
}

/** The trend with this run in it. A drill that restored nothing is no evidence of anything. */
function remember(
  context: Context,
  history: DrillHistory,
  { report, earlier }: { readonly report: DrillReport; readonly earlier: ReadHistory['runs'] },
): DrillTrend {
  if (report.done.files === 0 && report.result !== 'damaged') return drillTrend(earlier, context.now());
  const run = report.run(context.now());
  if (!history.add(run)) context.out.warn('this drill is not remembered: update Keephold on this device');
  return drillTrend([...earlier, run], context.now());
}

function exitCodeOf({ result }: DrillReport, isOlder: boolean): ExitCode {
  if (result === 'damaged') return exitCodes.damaged;
  return result === 'partial' || isOlder ? exitCodes.partial : exitCodes.done;
}

function warnOf({ out }: Context, fault: ReadHistory['fault']): void {
  if (fault?.code === 'history-damaged')
    out.warn('the history of drills cannot be read: it begins anew, and every file counts as never drilled');
}

/** Needs no password: it lies on this computer. */
async function showHistory(context: Context, maxAge: number | undefined): Promise<ExitCode> {
  await using custody = await openRepositoryFolder(repositoryFolder(context));
  const { runs, fault } = new DrillHistory(context.environment, await custody.accountId()).read();
  if (fault?.code === 'history-newer') throw fault;
  warnOf(context, fault);
  const trend = drillTrend(runs, context.now());
  await tellHistory(context.out, runs, trend);
  if (maxAge !== undefined && (trend.daysSinceGood ?? Number.POSITIVE_INFINITY) > maxAge) throw overdue(trend, maxAge);
  return exitCodes.done;
}

function overdue({ daysSinceGood }: DrillTrend, maxAge: number): CommandError {
  const last =
    daysSinceGood === undefined
      ? 'no drill has been good yet'
      : `the last good drill was ${Math.floor(daysSinceGood)} days ago`;
  return new CommandError(`${last}, and ${maxAge} days are the limit`, {
    code: 'overdue',
    exitCode: exitCodes.failed,
    hint: 'keephold drill runs one now',
  });
}
