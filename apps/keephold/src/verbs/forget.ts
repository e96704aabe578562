/** `keephold forget`: marks what the rules no longer need, or what is named. Nothing is deleted here. */
import { type KeepDecision, type KeepReason, keepFirst } from '@keephold/custody';
import { type SnapshotRecord, type VaultPolicy, vaultRecord } from '@keephold/protocol';
import { type DeviceAccess, openAsDevice } from '../access/open-device.ts';
import { requireOwner } from '../access/unlock.ts';
import { type Command, defineCommand } from '../command-line/command.ts';
import { flag, integer } from '../command-line/options.ts';
import type { Context } from '../context.ts';
import { CommandError, exitCodes, UsageError } from '../errors.ts';
import { holdText } from '../listing/hold-text.ts';
import { hex } from '../listing/node-text.ts';
import { warnOfUnreadable } from '../listing/unreadable-snapshots.ts';
import { formatTable } from '../terminal/text-table.ts';
import { counted, formatClock } from '../terminal/units.ts';

const many = 36_500;

export const forget: Command = defineCommand({
  name: 'forget',
  operands: { usage: '[SNAPSHOT...]', min: 0, max: 1000 },
  description: [
    'Moves snapshots to the trash: those that the rules no longer keep, or those that are named. They stay restorable for 30 days, and --undo takes them back; keephold gc frees the space afterwards.',
    'The rules keep the first snapshot of each day, week and month, for so long, and everything until 30 days after a newer one came. They are per device and per set of folders, so nothing that is backed up later can push an earlier snapshot out.',
    'Naming snapshots, and rules that keep less than the repository asks for, need the password; on a server, forgetting always does, and --undo never.',
  ],
  options: {
    'keep-daily-days': integer({ value: 'N', min: 0, max: many, help: 'keep the first of each day for N days (90)' }),
    'keep-weekly-weeks': integer({
      value: 'N',
      min: 0,
      max: many,
      help: 'keep the first of each week for N weeks (52)',
    }),
    'keep-monthly': integer({ value: 'N', min: 0, max: many, help: 'keep the first of each month for N months (24)' }),
    'keep-window-days': integer({
      value: 'N',
      min: 0,
      max: many,
      help: 'keep everything for N days after a newer one came (30)',
    }),
    'dry-run': flag({ short: 'n', help: 'show what would be forgotten, and why the rest stays' }),
    undo: flag({ help: 'take snapshots out of the trash: those named, or all' }),
  },
  examples: [
    { command: 'keephold forget --dry-run', says: 'what the rules would do' },
    { command: 'keephold forget --keep-monthly 60', says: 'keep months for five years' },
    { command: "keephold forget 3f9a '#12'", says: 'these two' },
    { command: 'keephold forget --undo', says: 'everything in the trash back' },
  ],
  async run(context, { operands, options }) {
    const rules = {
      dailyDays: options['keep-daily-days'],
      weeklyWeeks: options['keep-weekly-weeks'],
      monthlyMonths: options['keep-monthly'],
      windowDays: options['keep-window-days'],
    };
    const hasRules = Object.values(rules).some((value) => value !== undefined);
    if (hasRules && (operands.length > 0 || options.undo))
      throw new UsageError('rules and named snapshots cannot be used together');
    await using access = await openAsDevice(context);
    const { custody, vaultId } = access;
    const records = await custody.snapshots(vaultId);
    if (options.undo) await undo(context, { access, records, names: operands, dryRun: options['dry-run'] });
    else if (operands.length > 0)
      await forgetNamed(context, { access, records, names: operands, dryRun: options['dry-run'] });
    else await forgetByRules(context, { access, records, rules, dryRun: options['dry-run'] });
    const hold = await custody.hold(vaultId);
    if (hold !== undefined) context.out.warn(`${holdText(hold)}; keephold hold release lets it go on`);
    if (!(await warnOfUnreadable(context.out, { custody, vaultId, records }))) return exitCodes.done;
    context.out.note('the rules count them like any other; keephold check says why, and keephold heal may mend them');
    return exitCodes.damaged;
  },
});

interface Task {
  readonly access: DeviceAccess;
  readonly records: readonly SnapshotRecord[];
  readonly dryRun: boolean;
}

async function undo(
  context: Context,
  { access, records, names, dryRun }: Task & { readonly names: readonly string[] },
): Promise<void> {
  const trashed = records.filter(({ state }) => state === 'trashed');
  const chosen = names.length === 0 ? trashed : names.map((name) => findRecord(trashed, name));
  if (!dryRun && chosen.length > 0)
    await access.custody.untrash(
      access.vaultId,
      chosen.map(({ seq }) => seq),
    );
  for (const record of chosen) await context.out.record({ type: 'kept', ...recordFields(record), dryRun });
  await context.out.result(`${dryRun ? 'would take' : 'took'} ${counted(chosen.length, 'snapshot')} out of the trash`);
}

async function forgetNamed(context: Context, task: Task & { readonly names: readonly string[] }): Promise<void> {
  const { access, records, names, dryRun } = task;
  const active = records.filter(({ state }) => state === 'active');
  const chosen = [...new Set(names.map((name) => findRecord(active, name)))];
  if (!dryRun && access.unlocked === undefined)
    await requireOwner(context, access.custody, 'naming snapshots needs the password');
  await trash(context, { access, chosen, dryRun });
}

type Rules = Readonly<Record<'dailyDays' | 'weeklyWeeks' | 'monthlyMonths' | 'windowDays', number | undefined>>;

async function forgetByRules(context: Context, task: Task & { readonly rules: Rules }): Promise<void> {
  const { access, records, rules, dryRun } = task;
  const own = vaultRecord(access.chain.keychain, access.vaultId).policy;
  const policy: VaultPolicy = {
    ...own,
    ...Object.fromEntries(Object.entries(rules).filter(([, days]) => days !== undefined)),
  };
  const keepsLess = (Object.keys(rules) as (keyof Rules)[]).some((name) => policy[name] < own[name]);
  const why = keepsLess
    ? 'rules that keep less than the repository asks for need the password'
    : 'deleting on a server needs the password';
  const needsOwner = keepsLess || access.custody.properties.deletingNeedsOwner === true;
  if (needsOwner && !dryRun && access.unlocked === undefined) await requireOwner(context, access.custody, why);
  const kept = records.filter(({ state }) => state !== 'expired');
  const decisions = new Map(keepFirst(kept, policy, context.now()).map((decision) => [decision.seq, decision]));
  const active = kept.filter(({ state }) => state === 'active');
  const judged = active.flatMap((record) => {
    const decision = decisions.get(record.seq);
    return decision === undefined ? [] : [{ record, decision }];
  });
  await explain(context, judged, dryRun);
  const chosen = judged.filter(({ decision }) => !decision.keep).map(({ record }) => record);
  await trash(context, { access, chosen, dryRun });
}

interface Judged {
  readonly record: SnapshotRecord;
  readonly decision: KeepDecision;
}

/** Every kept snapshot with its reasons as JSON; as text only when that is what was asked for. */
async function explain({ out }: Context, judged: readonly Judged[], dryRun: boolean): Promise<void> {
  for (const { record, decision } of judged.filter(({ decision: { keep } }) => keep)) {
    await out.record({ type: 'kept', ...recordFields(record), reasons: decision.reasons.map(reasonFields) });
  }
  if (!dryRun || judged.length === 0) return;
  const rows = judged.map(({ record, decision }) => [
    ...recordCells(record),
    decision.keep ? 'keep' : 'forget',
    reasonText(decision.reasons[0]),
  ]);
  await out.result(formatTable({ headings: ['No.', 'ID', 'Received', '', 'Because'], rows, right: ['No.'] }).trimEnd());
}

interface Trash {
  readonly access: DeviceAccess;
  readonly chosen: readonly SnapshotRecord[];
  readonly dryRun: boolean;
}

async function trash({ out }: Context, { access, chosen, dryRun }: Trash): Promise<void> {
  const changes =
    dryRun || chosen.length === 0
      ? []
      : await access.custody.trash(
          access.vaultId,
          chosen.map(({ seq }) => seq),
        );
  const expires = new Map(changes.map(({ seq, expiresAt }) => [seq, expiresAt]));
  for (const record of chosen) {
    const at = expires.get(record.seq);
    await out.record({
      type: 'forgotten',
      ...recordFields(record),
      dryRun,
      expiresAt: at === undefined ? null : isoTime(at),
    });
  }
  await out.result(`${dryRun ? 'would forget' : 'forgot'} ${counted(chosen.length, 'snapshot')}`);
  const first = Math.min(...expires.values());
  if (Number.isFinite(first))
    out.note(
      `restorable until ${formatClock(first)}; keephold forget --undo takes them back, keephold gc frees their space after that`,
    );
}

/** By number or by the beginning of the id; `latest` is meant for reading, not for deleting. */
function findRecord(records: readonly SnapshotRecord[], name: string): SnapshotRecord {
  const number = /^#(\d{1,15})$/.exec(name)?.[1];
  const found = records.filter(({ seq, object }) => {
    if (number !== undefined) return seq === Number(number);
    return /^[0-9a-f]{4,64}$/i.test(name) && hex(object).startsWith(name.toLowerCase());
  });
  const [record, ...others] = found;
  if (record !== undefined && others.length === 0) return record;
  throw new CommandError(`${record === undefined ? 'no' : 'more than one'} snapshot there is called "${name}"`, {
    code: 'not-found',
    exitCode: exitCodes.failed,
    hint: 'name it by its number as #12 or by four or more digits of its id; keephold snapshots --all lists them',
  });
}

function recordFields(record: SnapshotRecord): Readonly<Record<string, unknown>> {
  const { seq, object, kind, deviceId, streamId, receivedAt } = record;
  return { seq, id: hex(object), kind, device: hex(deviceId), stream: hex(streamId), receivedAt: isoTime(receivedAt) };
}

function recordCells({ seq, object, receivedAt }: SnapshotRecord): string[] {
  return [`#${seq}`, hex(object).slice(0, 8), formatClock(receivedAt)];
}

const ruleTexts = {
  newest: 'the newest',
  window: 'replaced only lately',
  'first-of-day': 'first of its day',
  'first-of-week': 'first of its week',
  'first-of-month': 'first of its month',
} as const;

/** The reason that holds longest. */
function reasonText(reason: KeepReason | undefined): string {
  if (reason === undefined) return '';
  const { rule, until } = reason;
  return Number.isFinite(until) ? `${ruleTexts[rule]} (until ${formatClock(until).slice(0, 10)})` : ruleTexts[rule];
}

function reasonFields({ rule, until }: KeepReason): Readonly<Record<string, unknown>> {
  return { rule, until: Number.isFinite(until) ? isoTime(until) : null };
}

function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
