/** `keephold repair`: makes again what follows from the rest of a repository. */
import { repairRepositoryFolder } from '@keephold/custody';
import { acceptHistory } from '../access/accept-history.ts';
import { repositoryFolder } from '../access/repository-folder.ts';
import { type Command, defineCommand } from '../command-line/command.ts';
import { flag } from '../command-line/options.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../errors.ts';
import { counted } from '../terminal/units.ts';

export const repair: Command = defineCommand({
  name: 'repair',
  operands: { usage: '', min: 0, max: 0 },
  description: [
    'Makes again what can be made from packs and objects alone, without a password: the file that says what the folder is, when it is missing or damaged, and the ledger.',
    'A ledger that is missing, damaged or older than the folder is made again by itself when it is next used. This does it now and says what it found. No backup is lost with a ledger; delays before deleting begin again.',
    'A device refuses a repository that is older than what it has seen, or has another history. Where that is meant, because the folder was put back from a copy, --accept-history makes what the repository shows count from now on. It needs the password; snapshots that the repository does not have are gone.',
  ],
  options: {
    'rebuild-ledger': flag({ help: 'make the ledger again (what repair does; for clarity)' }),
    'accept-history': flag({ help: 'this older or other history is the right one: go on from it' }),
  },
  examples: [
    { command: 'keephold repair --rebuild-ledger', says: 'the ledger, from packs and objects' },
    { command: 'keephold repair --repo /media/disk/copy', says: 'in a copy that was made without the ledger' },
    { command: 'keephold repair --accept-history', says: 'go on with a repository that was put back from a copy' },
  ],
  async run(context, { options }) {
    if (options['accept-history']) return await accept(context);
    const { out } = context;
    const report = await repairRepositoryFolder(repositoryFolder(context));
    await out.record({ type: 'summary', ...report });
    if (report.markerRemade) await out.result('keephold.format was missing or damaged and is made again');
    await out.result(`the ledger has ${counted(report.commits, 'commit')} and ${counted(report.packs, 'pack')}`);
    if (report.lostPacks === 0) return exitCodes.done;
    await out.result(
      `${counted(report.lostPacks, 'pack')} that snapshots need ${report.lostPacks === 1 ? 'is' : 'are'} missing`,
    );
    out.note('keephold check says what is affected; keephold heal mends');
    return exitCodes.partial;
  },
});

async function accept(context: Context): Promise<ExitCode> {
  await using custody = await context.openRepository(repositoryFolder(context));
  const { seen, accepted } = await acceptHistory(context, custody);
  const text = `this device goes on from commit ${accepted}; it had seen ${seen}`;
  await context.out.answer(text, { type: 'history-accepted', seen, accepted });
  return exitCodes.done;
}
