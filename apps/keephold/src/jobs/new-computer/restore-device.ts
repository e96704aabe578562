/** `keephold restore --device`: what a device backed up last, what makes a computer usable first, and taking over. */
import { NodeType } from '@keephold/engine';
import { RestoreError, type RestoreReport } from '@keephold/engine/node';
import type { SelectorConfig, TargetConfig } from '@keephold/source-files';
import { DeviceStore } from '../../access/device-store.ts';
import { openForReading, type ReadAccess } from '../../access/open-for-reading.ts';
import type { Context } from '../../context.ts';
import { type ExitCode, exitCodes, InterruptedError } from '../../errors.ts';
import { RestoreAccount } from '../../listing/restore-account.ts';
import { printable } from '../../terminal/printable.ts';
import { formatClock } from '../../terminal/units.ts';
import { type RestoreRequest, runRestore } from '../run-restore.ts';
import { type Adoption, adopt, requireOther } from './adopt.ts';
import { newestOfDevice } from './newest-of-device.ts';
import { type RestorePart, restoreParts } from './restore-parts.ts';
import { selectTurn } from './select-turn.ts';

export interface DeviceRestore extends Pick<RestoreRequest, 'overwrite' | 'dryRun' | 'sync'> {
  readonly device: string;
  /** Absolute; undefined: each folder to where it was. */
  readonly target: string | undefined;
  readonly how: Omit<TargetConfig, 'root'>;
  readonly select: SelectorConfig;
  /** undefined: a question, where somebody can answer. */
  readonly adopt: true | undefined;
  readonly verbose: boolean;
}

export async function restoreDevice(context: Context, wish: DeviceRestore): Promise<ExitCode> {
  const { code, adoption } = await restored(context, wish);
  if (adoption === undefined) return code;
  if (code === exitCodes.done) await adopt(context, adoption);
  else context.out.warn('not taken over: not everything came back; run it again, or name what to leave with --exclude');
  return code;
}

interface Restored {
  readonly code: ExitCode;
  /** When the user wants it. */
  readonly adoption: Adoption | undefined;
}

async function restored(context: Context, wish: DeviceRestore): Promise<Restored> {
  const { out } = context;
  await using access = await openForReading(context);
  const snapshots = await newestOfDevice(access.repository, wish.device);
  const { parts, covered } = await restoreParts(access.repository, snapshots, wish.target);
  for (const { time, hostname, seq, kind } of snapshots) {
    const unfinished = kind === 'complete' ? '' : ', which was not finished';
    out.note(`from ${printable(hostname)}: snapshot #${seq} of ${formatClock(Number(time / 1_000_000n))}${unfinished}`);
  }
  for (const { path, snapshot } of covered) out.note(`${printable(path)} of #${snapshot.seq}: a newer snapshot has it`);
  const isOlder = access.repository.log.isEndUnread;
  if (isOlder) out.warn('newer snapshots may be there, and their commits are damaged');
  const old = { old: snapshots[0]!.deviceId, restoredSeq: snapshots[0]!.seq };
  const adoption = (await isWanted(context, access, { wish, old: old.old })) ? old : undefined;
  const account = new RestoreAccount(out, { verbose: wish.verbose || wish.dryRun, dryRun: wish.dryRun });
  await bothTurns(context, access, { wish, parts, account });
  await account.print();
  if (account.interrupted) throw new InterruptedError();
  return { code: account.failed > 0 || isOlder ? exitCodes.partial : exitCodes.done, adoption };
}

interface Turns {
  readonly wish: DeviceRestore;
  readonly parts: readonly RestorePart[];
  readonly account: RestoreAccount;
}

async function bothTurns(context: Context, access: ReadAccess, { wish, parts, account }: Turns): Promise<void> {
  for (const turn of ['first', 'rest'] as const) {
    for (const part of parts) {
      await onePart(context, access, { wish, part, account, turn });
      if (account.interrupted) return;
    }
    if (turn === 'first' && !wish.dryRun) {
      await account.told();
      context.out.note('settings, documents and the desktop are back; the rest follows');
      await context.out.record({ type: 'usable' });
    }
  }
}

interface OnePart {
  readonly wish: DeviceRestore;
  readonly part: RestorePart;
  readonly account: RestoreAccount;
  readonly turn: 'first' | 'rest';
}

/** What was done counts and is told, also when the target fills up. */
async function onePart(context: Context, access: ReadAccess, { wish, part, account, turn }: OnePart): Promise<void> {
  const { overwrite, dryRun, sync, select, how } = wish;
  // Folders on the way are made now and have their account when it is their turn.
  const selection = selectTurn(part, turn, () => 'selected');
  const onTheWay = { restored: 0, identical: 0, skipped: 0, failed: 0, deleted: 0 };
  try {
    const report = await runRestore(context, access, {
      ...{ overwrite, dryRun, sync, select },
      snapshot: part.snapshot,
      path: part.path,
      target: { ...how, root: part.root },
      narrow: { name: turn, select: (wanted) => selectTurn(part, turn, wanted) },
      delete: false,
      use: 'keep',
      onItem: (item) => {
        const isOnTheWay = item.type === NodeType.directory && selection(item.path, true) === 'descend';
        if (isOnTheWay) onTheWay[item.outcome]++;
        else account.item(item);
      },
      onNote: (path, note) => account.note(path, note),
    });
    account.add(without(report, onTheWay));
  } catch (error) {
    if (!(error instanceof RestoreError)) throw error;
    account.add(error.report);
    await account.print();
    throw error;
  }
}

type Outcomes = Pick<RestoreReport, 'restored' | 'identical' | 'skipped' | 'failed' | 'deleted'>;

function without(report: RestoreReport, less: Outcomes): RestoreReport {
  const { restored, identical, skipped, failed, deleted } = report;
  return {
    ...report,
    restored: restored - less.restored,
    identical: identical - less.identical,
    skipped: skipped - less.skipped,
    failed: failed - less.failed,
    deleted: deleted - less.deleted,
  };
}

interface Question {
  readonly wish: DeviceRestore;
  readonly old: Adoption['old'];
}

/** Asked before the restore, which may take hours. */
async function isWanted(context: Context, { custody }: ReadAccess, { wish, old }: Question): Promise<boolean> {
  if (wish.dryRun) return false;
  const own = new DeviceStore(context.environment, await custody.accountId()).load()?.deviceId;
  if (wish.adopt === true) {
    requireOther(own, old);
    return true;
  }
  const { terminal } = context;
  if (!terminal.canAsk || (own !== undefined && Buffer.compare(own, old) === 0)) return false;
  const question = 'Is this computer to take the place of the old one, which may then no longer back up? (yes/no) ';
  return (await terminal.ask(question)).trim().toLowerCase() === 'yes';
}
