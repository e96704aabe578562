/** `keephold repair`: makes again what follows from the rest of a repository. */
import { type RepairReport, repairRepositoryFolder } from '@keephold/custody';
import { EngineError } from '@keephold/engine';
import { CustodyError } from '@keephold/protocol';
import { VaultError } from '@keephold/vault';
import { acceptHistory } from '../access/accept-history.ts';
import { DeviceStore } from '../access/device-store.ts';
import { repositoryFolder } from '../access/repository-folder.ts';
import { type Command, defineCommand } from '../command-line/command.ts';
import { flag, percent } from '../command-line/options.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes, UsageError } from '../errors.ts';
import { type Lacking, stillLacking } from '../jobs/still-lacking.ts';
import { printable } from '../terminal/printable.ts';
import { counted, formatBytes, formatClock } from '../terminal/units.ts';

export const repair: Command = defineCommand({
  name: 'repair',
  operands: { usage: '', min: 0, max: 0 },
  description: [
    'Makes again what can be made from packs and objects alone, without a password: the file that says what the folder is, when it is missing or damaged, and the ledger.',
    'Where the repository keeps parity (keephold init --parity), damaged packs and records are made again from it first, and parity that is damaged or missing from what is whole. All of it is read for that. --add-parity turns parity on, or changes how much new packs get; packs that have some keep what they have.',
    'A ledger that is missing, damaged or older than the folder is made again by itself when it is next used. This does it now and says what it found. No backup is lost with a ledger; delays before deleting begin again.',
    'A device refuses a repository that is older than what it has seen, or has another history. Where that is meant, because the folder was put back from a copy, --accept-history makes what the repository shows count from now on. It needs the password; snapshots that the repository does not have are gone. The same where the newest commit is damaged, no copy has it, and no machine that has seen it can write it back. A damaged commit in the middle of the history is given up in the same way: if it recorded a snapshot, that is gone 30 days later, unless a copy brings it back.',
  ],
  options: {
    'add-parity': percent({ value: 'PERCENT', min: 1, max: 100, help: 'keep parity from now on, such as 10%' }),
    'rebuild-ledger': flag({ help: 'make the ledger again (what repair does; for clarity)' }),
    'accept-history': flag({ help: 'this older or other history is the right one: go on from it' }),
  },
  examples: [
    { command: 'keephold repair --rebuild-ledger', says: 'the ledger, from packs and objects' },
    { command: 'keephold repair --add-parity 10%', says: 'parity for what is stored and for what comes' },
    { command: 'keephold repair --repo /media/disk/copy', says: 'in a copy that was made without the ledger' },
    { command: 'keephold repair --accept-history', says: 'go on with a repository that was put back from a copy' },
  ],
  async run(context, { options }) {
    const { 'add-parity': addParity } = options;
    if (options['accept-history']) {
      if (addParity !== undefined) throw new UsageError('--accept-history and --add-parity are two things', 'run both');
      return await accept(context);
    }
    const { out, signal } = context;
    const { mending, parity, ...report } = await repairRepositoryFolder(repositoryFolder(context), {
      addParity,
      signal,
    });
    await out.record({ type: 'summary', ...report, ...(parity === undefined ? {} : { parity, ...mending }) });
    const lacking = await lackingAfter(context, { ...report, mending });
    if (parity !== undefined) await tellMending(context, { parity, mending, lacking });
    if (report.markerRemade) await out.result('keephold.format was missing or damaged and is made again');
    await out.result(`the ledger has ${counted(report.commits, 'commit')} and ${counted(report.packs, 'pack')}`);
    return await tellLost(context, { lostPacks: report.lostPacks, lacking });
  },
});

type Repaired = Pick<RepairReport, 'lostPacks' | 'mending'>;

/** What lost packs held may be stored elsewhere by now: then nothing is lacking, as heal and check say too. */
async function lackingAfter(context: Context, { lostPacks, mending }: Repaired): Promise<Lacking> {
  if (lostPacks === 0 && mending.beyond.length === 0) return 'nothing';
  // Records and objects that are damaged have no other place.
  if (mending.beyond.some((name) => !/\/packs\//.test(name))) return 'something';
  try {
    await using custody = await context.openRepository(repositoryFolder(context));
    const state = new DeviceStore(context.environment, await custody.accountId()).load();
    return state === undefined ? 'unknown' : await stillLacking(context, { state });
  } catch (error) {
    if (error instanceof VaultError || error instanceof CustodyError || error instanceof EngineError) return 'unknown';
    throw error;
  }
}

async function tellLost(
  { out }: Context,
  { lostPacks, lacking }: { readonly lostPacks: number; readonly lacking: Lacking },
): Promise<ExitCode> {
  if (lostPacks > 0) {
    const [are, them] = lostPacks === 1 ? ['is', 'it'] : ['are', 'them'];
    const elsewhere = lacking === 'nothing' ? `; all that snapshots need of ${them} is stored elsewhere` : '';
    await out.result(`${counted(lostPacks, 'pack')} that snapshots named ${are} missing${elsewhere}`);
  }
  if (lacking === 'nothing') return exitCodes.done;
  out.note(
    'keephold check says what is affected; keephold backup stores again what is still on this device; keephold heal --from takes it from a copy',
  );
  return exitCodes.partial;
}

type Told = Pick<RepairReport, 'mending'> & { readonly parity: number; readonly lacking: Lacking };

async function tellMending({ out }: Context, { parity, mending, lacking }: Told): Promise<void> {
  const { mended, mendedBytes, parityMade, beyond } = mending;
  await out.result(`packs get ${parity}% of parity`);
  if (mended > 0) await out.result(`mended ${counted(mended, 'file')} (${formatBytes(mendedBytes)}) from parity`);
  if (parityMade > 0) await out.result(`made parity for ${counted(parityMade, 'file')}`);
  if (lacking === 'nothing') return;
  for (const name of beyond) out.error(`${printable(name)}: more is damaged than its parity can mend`);
}

async function accept(context: Context): Promise<ExitCode> {
  await using custody = await context.openRepository(repositoryFolder(context));
  const { seen, accepted, givenUp, forgotten } = await acceptHistory(context, custody);
  for (const seq of givenUp)
    context.out.warn(`commit ${seq} could not be read and is set aside: if it recorded a snapshot, that is gone`);
  for (const { seq, expiresAt } of forgotten)
    context.out.warn(
      `commit ${seq} cannot be read and is given up: if it recorded a snapshot, that is gone after ${formatClock(expiresAt)}, and keephold gc frees what only it needed; until then keephold heal --from can bring it back from a copy`,
    );
  if (givenUp.length > 0) context.out.note('the next keephold backup stores again what is still on this device');
  const text = `this device goes on from commit ${accepted}; it had seen ${seen}`;
  await context.out.answer(text, {
    type: 'history-accepted',
    seen,
    accepted,
    givenUp,
    forgotten: forgotten.map(({ seq }) => seq),
  });
  return exitCodes.done;
}
