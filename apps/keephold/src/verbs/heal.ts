/** `keephold heal`: mends damage from another copy and from what was stored again. */
import { resolve } from 'node:path';
import { type HealFolderReport, healRepositoryFolder, mendKeychain, type SeenHistory } from '@keephold/custody';
import type { HealReport, RelistReport } from '@keephold/engine/node';
import { type AccountId, CustodyError, packIdCount } from '@keephold/protocol';
import type { DeviceState } from '@keephold/vault';
import { DeviceStore } from '../access/device-store.ts';
import { keyringTest } from '../access/keyring-test.ts';
import { seenAccount } from '../access/lost-keychain-end.ts';
import { openAsDevice } from '../access/open-device.ts';
import { isFolder, isServer, repositoryPlace } from '../access/repository-folder.ts';
import { mendSessionObjects, SessionCopies } from '../access/session-copies.ts';
import { type Command, defineCommand } from '../command-line/command.ts';
import { flag, text } from '../command-line/options.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes, UsageError } from '../errors.ts';
import { damagedRecords } from '../jobs/damaged-records.ts';
import { healOwnSnapshots, tellHealing } from '../jobs/heal-own-snapshots.ts';
import { nameOwnSessions } from '../jobs/own-sessions.ts';
import { relistPacks, tellRelisting } from '../jobs/relist-packs.ts';
import { type RestatedRefsets, restateRefsets, tellRestated } from '../jobs/restate-refsets.ts';
import { type Lacking, stillLacking } from '../jobs/still-lacking.ts';
import { printable } from '../terminal/printable.ts';
import { counted, formatBytes } from '../terminal/units.ts';

export const heal: Command = defineCommand({
  name: 'heal',
  operands: { usage: '', min: 0, max: 0 },
  description: [
    'Mends what is missing or damaged. With --from, another copy of the repository gives what it has whole: packs, index and snapshot objects, the history, the ways in. Each file is proven by its hash or signature before it is taken, and no password is needed; the other copy is only read.',
    'Without a copy, the files themselves heal: keephold check sets damaged packs aside, the next keephold backup stores again what is still on this device, and older snapshots of the same files are whole again. Heal finishes that when a backup could not.',
    'Index objects that are gone or damaged are made again from what the packs say themselves; a device that may only back up needs the password for that. Until then everything is read all the same, only more slowly. In the same way it is found out again what snapshots need whose records are damaged; until then gc frees nothing.',
    'Of what a server keeps it mends in the same way all that this device has or can find out. The rest whoever runs the server takes from its second site or its saved data folder.',
    'Names what else is damaged and was not to be had: ways in, history, records. Ends with 3 when there is any of that, or snapshots still lack something.',
  ],
  options: {
    from: text({ value: 'FOLDER', help: 'take what is missing from this copy (for a repository in a folder)' }),
    'read-data': flag({ help: 'first read every pack here, to find the damaged ones' }),
  },
  examples: [
    { command: 'keephold heal --from /media/disk/copy', says: 'what check found, from the copy' },
    { command: 'keephold heal --from /media/disk/copy --read-data', says: 'find all damage here first' },
  ],
  async run(context, { options }) {
    const { from } = options;
    if (from === undefined && options['read-data']) {
      throw new UsageError('--read-data goes with --from', 'keephold check --read-data finds damage without a copy');
    }
    const place = repositoryPlace(context);
    const mended = isFolder(place) ? await mendFromState(context, place) : 0;
    const taken =
      from === undefined ? undefined : await fromCopy(context, place, { from, readData: options['read-data'] });
    const healed = await healAsDevice(context, place, taken?.lostPacks ?? 0);
    await using custody = await context.openRepository(place);
    const damaged = await damagedRecords(context, custody);
    return await tell(context, { mended, taken, healed, damaged });
  },
});

/** Keychain entries that this machine has seen and that are damaged there. Answers how many. */
async function mendFromState(context: Context, folder: string): Promise<number> {
  let account: AccountId;
  try {
    await using probe = await context.openRepository(folder);
    account = await probe.accountId();
  } catch (error) {
    // Which account it is only a copy can tell.
    if (error instanceof CustodyError && error.code === 'damaged') return 0;
    throw error;
  }
  const seen = seenAccount(new DeviceStore(context.environment, account));
  return seen.entries.length === 0 ? 0 : await mendKeychain(folder, seen);
}

async function fromCopy(
  context: Context,
  folder: string,
  { from, readData }: { readonly from: string; readonly readData: boolean },
): Promise<HealFolderReport> {
  if (!isFolder(folder))
    throw new UsageError(
      `--from: ${folder} is not a folder, and this works on folders only`,
      'whoever runs the server mends it from its second site or its saved data folder; without --from, heal does what this device can',
    );
  const copy = resolve(from);
  if (copy === folder) throw new UsageError('--from names the repository itself', 'name the folder of another copy');
  return await healRepositoryFolder(folder, {
    from: copy,
    readPacks: readData,
    signal: context.signal,
    seen: (account) => seenHistory(new DeviceStore(context.environment, account).load()),
    opensKeyring: keyringTest(context, folder),
  });
}

function seenHistory(state: DeviceState | undefined): SeenHistory {
  if (state === undefined) return { keychain: [], commits: [] };
  const { genesisHash, keychainPin, headPin } = state.grant;
  return { keychain: [{ seq: 0, hash: genesisHash }, keychainPin], commits: headPin === undefined ? [] : [headPin] };
}

interface Healed {
  /** Undefined on a machine that is no device of the repository. */
  readonly report: HealReport | undefined;
  /** Session objects from this machine. */
  readonly mended?: number;
  /** Session objects of this device that its commits name again. */
  readonly named?: number;
  /** Undefined when this device cannot read. */
  readonly listed?: RelistReport | undefined;
  readonly refsets?: RestatedRefsets;
  readonly lostPacks: number;
  readonly lacking: Lacking;
}

async function healAsDevice(context: Context, place: string, lostInCopies: number): Promise<Healed> {
  await using probe = await context.openRepository(place);
  const store = new DeviceStore(context.environment, await probe.accountId());
  if (store.load() === undefined)
    return { report: undefined, lostPacks: lostInCopies, lacking: lostInCopies === 0 ? 'nothing' : 'unknown' };
  await using access = await openAsDevice(context);
  const copies = new SessionCopies(access.store.folder);
  const mended = await mendSessionObjects({ custody: access.custody, copies, vaultId: access.vaultId });
  const refsets = await restateRefsets(context, access);
  const named = await nameOwnSessions(context, access);
  // First: who knows what lost packs held knows what holds it again.
  const listed = await relistPacks(context, access);
  const report = await healOwnSnapshots(context, access);
  const lostPacks = packIdCount(await access.custody.lostPacks(access.vaultId));
  const isAllKnown = report.incomplete.length === 0 && (listed?.unreadable ?? 0) === 0;
  return {
    report,
    mended,
    named,
    listed,
    refsets,
    lostPacks,
    lacking: isAllKnown ? 'nothing' : await stillLacking(context, access),
  };
}

interface Told {
  /** Keychain entries from this machine. */
  readonly mended: number;
  readonly taken: HealFolderReport | undefined;
  readonly healed: Healed;
  /** Ways in, history and records that are damaged still. */
  readonly damaged: readonly string[];
}

async function tell(context: Context, { mended, taken, healed, damaged }: Told): Promise<ExitCode> {
  const { out } = context;
  const { report, listed, lostPacks, lacking } = healed;
  if (report !== undefined) {
    await tellRelisting(context, listed);
    if (healed.refsets !== undefined) await tellRestated(context, healed.refsets);
    await tellHealing(context, { ...report, incomplete: lacking === 'nothing' ? [] : report.incomplete });
  }
  const { mended: sessions = 0, named = 0 } = healed;
  const { records = 0, objects = 0, packs = 0, bytes = 0, doubtful = 0 } = taken ?? {};
  const sums = {
    mended,
    sessions,
    named,
    records,
    doubtful,
    objects,
    packs,
    bytes,
    snapshots: report?.healed.length ?? 0,
    lostPacks,
    damaged: damaged.length,
  };
  for (const what of damaged) {
    await out.record({ type: 'problem', kind: 'record', what });
    if (!out.json) out.error(printable(what));
  }
  const isKnown = (healed.refsets?.unknown.length ?? 0) === 0;
  const isWhole = lacking === 'nothing' && damaged.length === 0 && isKnown;
  await out.record({ type: 'summary', ...sums, whole: isWhole });
  if (mended > 0)
    await out.result(`wrote ${counted(mended, 'keychain entry', 'keychain entries')} back from this machine`);
  if (sessions > 0) await out.result(`wrote ${counted(sessions, 'session object')} back from this machine`);
  if (named > 0) await out.result(`named ${counted(named, 'session object')} again, for other devices to read with`);
  if (taken !== undefined) {
    await out.result(
      `took ${counted(packs, 'pack')} (${formatBytes(bytes)}), ${counted(objects, 'object')} and ${counted(records, 'record')} from the copy`,
    );
  }
  if (doubtful > 0) {
    out.warn('the keyring here is another than that of the copy, and only the password tells which is sound');
    out.note('run it again with the password (--password-file)');
  }
  if (isWhole || lacking !== 'nothing') await out.result(lackingTexts[lacking]);
  if (damaged.length > 0) tellDamaged(context, damaged.length);
  if (lacking !== 'nothing')
    out.note('keephold check says what it affects; keephold backup stores again what is still on this device');
  return isWhole && doubtful === 0 ? exitCodes.done : exitCodes.partial;
}

function tellDamaged(context: Context, count: number): void {
  const { out } = context;
  const others = isServer(repositoryPlace(context))
    ? 'whoever runs the server takes them from its second site or its saved data folder'
    : 'keephold heal --from takes them from another copy, keephold repair from parity';
  out.warn(`${counted(count, 'record')} of the repository ${count === 1 ? 'is' : 'are'} damaged or missing`);
  out.note(
    `${others}; a damaged way in is replaced with the other one: keephold keys add password, keephold keys add words`,
  );
}

const lackingTexts: Readonly<Record<Lacking, string>> = {
  nothing: 'nothing is known to be lacking',
  something: 'some data is still lacking',
  unknown: 'some data may be lacking: not all that lost packs held is stored elsewhere',
};
