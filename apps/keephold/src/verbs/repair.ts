/** `keephold repair`: makes again what follows from the rest of a repository. */
import { repairRepositoryFolder } from '@keephold/custody';
import { repositoryFolder } from '../access/repository-folder.ts';
import { type Command, defineCommand } from '../command-line/command.ts';
import { flag } from '../command-line/options.ts';
import { exitCodes } from '../errors.ts';
import { counted } from '../terminal/units.ts';

export const repair: Command = defineCommand({
  name: 'repair',
  operands: { usage: '', min: 0, max: 0 },
  description: [
    'Makes again what can be made from packs and objects alone, without a password: the file that says what the folder is, when it is missing or damaged, and the ledger.',
    'A ledger that is missing, damaged or older than the folder is made again by itself when it is next used. This does it now and says what it found. No backup is lost with a ledger; delays before deleting begin again.',
  ],
  options: { 'rebuild-ledger': flag({ help: 'make the ledger again (what repair does; for clarity)' }) },
  examples: [
    { command: 'keephold repair --rebuild-ledger', says: 'the ledger, from packs and objects' },
    { command: 'keephold repair --repo /media/disk/copy', says: 'in a copy that was made without the ledger' },
  ],
  async run(context) {
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
