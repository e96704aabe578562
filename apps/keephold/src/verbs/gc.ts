/** `keephold gc`: frees the space of what was forgotten, after its delays. */
import type { FolderCollectOptions, FolderPurgeReport } from '@keephold/custody';
import { vaultRecord } from '@keephold/protocol';
import { requestDeletion, type Unlocked } from '@keephold/vault';
import { type DeviceAccess, openAsDevice } from '../access/open-device.ts';
import { requireOwner } from '../access/unlock.ts';
import { type Command, defineCommand } from '../command-line/command.ts';
import { flag, integer } from '../command-line/options.ts';
import type { Context } from '../context.ts';
import { exitCodes, UsageError } from '../errors.ts';
import { holdText } from '../listing/hold-text.ts';
import { pendingText } from '../listing/pending-text.ts';
import { counted, formatBytes } from '../terminal/units.ts';

/** G of security.md §6.5. */
const purgeDelayDays = 7;

export const gc: Command = defineCommand({
  name: 'gc',
  operands: { usage: '', min: 0, max: 0 },
  description: [
    'Frees space in two steps, each after a delay: a forgotten snapshot expires 30 days after it was forgotten; what no snapshot needs any more is deleted 7 days after that was noticed. Running gc again later finishes what is waiting now. It can run while backups run.',
    'Where a device has stopped deletion (keephold hold), nothing happens, and the exit code is 3. Shorter delays need the password, and a mistake can then no longer be taken back. On a server all of it needs the password, and no delay is shorter than the repository says.',
  ],
  options: {
    'trash-days': integer({ value: 'N', min: 0, max: 36_500, help: 'forgotten snapshots expire after N days (30)' }),
    'purge-days': integer({ value: 'N', min: 0, max: 36_500, help: 'what nothing needs is deleted after N days (7)' }),
    'confirm-date': flag({ help: 'the date of this computer is right, although it jumped' }),
    'dry-run': flag({ short: 'n', help: 'show what would happen' }),
  },
  examples: [
    { command: 'keephold gc', says: 'what is due' },
    {
      command: 'keephold gc --trash-days 0 --purge-days 0',
      says: 'everything that was forgotten, at once and for good',
    },
  ],
  async run(context, { options }) {
    const { out, signal } = context;
    await using access = await openAsDevice(context);
    const { custody, vaultId, chain } = access;
    const { 'trash-days': trashDays, 'purge-days': purgeDays, 'dry-run': dryRun } = options;
    const shorter =
      (trashDays ?? Number.POSITIVE_INFINITY) < vaultRecord(chain.keychain, vaultId).policy.trashDays ||
      (purgeDays ?? Number.POSITIVE_INFINITY) < purgeDelayDays;
    if (shorter && custody.properties.deletingNeedsOwner === true) {
      throw new UsageError('a server deletes nothing before the delays of the repository have passed');
    }
    const owner = await ownerFor(context, access, shorter && !dryRun);
    if (shorter && !dryRun && owner !== undefined) await allowShorter(context, access, owner);
    const wanted: FolderCollectOptions = {
      signal,
      dryRun,
      dateConfirmed: options['confirm-date'],
      ...(trashDays !== undefined && { trashDays }),
      ...(purgeDays !== undefined && { purgeDays }),
    };
    // A folder's keeper says more than the seam asks of every keeper.
    const report = (await custody.collect(vaultId, wanted)) as FolderPurgeReport;
    const usage = await custody.usage(vaultId);
    await out.record({ type: 'gc', dryRun, ...report, paused: report.paused ?? null, usage });
    if (report.paused === 'clock-jump') {
      out.warn('the date jumped by more than a week, so nothing expires for now; --confirm-date says that it is right');
    }
    const hold = report.paused === 'hold' ? await custody.hold(vaultId) : undefined;
    if (report.paused === 'hold') {
      out.warn(`${holdText(hold ?? { since: undefined, deviceId: undefined })}; keephold hold release lets it go on`);
    }
    const pending = pendingText(usage);
    const would = dryRun ? 'would have ' : '';
    await out.result(
      [
        `${would}expired ${counted(report.expiredSnapshots, 'snapshot')}`,
        `${would}freed ${formatBytes(report.purgedBytes)} (${counted(report.purgedPacks, 'pack')}, ${counted(report.purgedObjects, 'object')})`,
        `waiting for the delay: ${formatBytes(usage.condemnedBytes)}`,
        ...(pending === undefined ? [] : [pending]),
        `in use: ${formatBytes(usage.packBytes + usage.objectBytes - usage.condemnedBytes - (usage.pendingBytes ?? 0))}`,
      ].join('\n'),
    );
    return report.paused === 'hold' ? exitCodes.partial : exitCodes.done;
  },
});

/** Undefined where this device is enough. */
async function ownerFor(context: Context, access: DeviceAccess, shorter: boolean): Promise<Unlocked | undefined> {
  const { custody } = access;
  if (!shorter && custody.properties.deletingNeedsOwner !== true) return undefined;
  const why = shorter ? 'shorter delays need the password' : 'deleting on a server needs the password';
  return access.unlocked ?? (await requireOwner(context, custody, why));
}

/** The owner signs for what is in the trash now: devices would take it for purged early otherwise. */
async function allowShorter(context: Context, { custody, vaultId }: DeviceAccess, owner: Unlocked): Promise<void> {
  const trashed = (await custody.snapshots(vaultId)).filter(({ state }) => state === 'trashed');
  if (trashed.length === 0) return;
  const seqs = trashed.map(({ seq }) => seq);
  await requestDeletion(owner, seqs, { custody, vaultId, now: context.now() });
}
