/** `keephold stats`: sizes, and what each snapshot alone holds. */
import { stats as repositoryStats } from '@keephold/engine/node';
import { openForReading } from '../access/open-for-reading.ts';
import { type Command, defineCommand } from '../command-line/command.ts';
import { exitCodes } from '../errors.ts';
import { formatTable } from '../terminal/text-table.ts';
import { formatBytes, formatCount } from '../terminal/units.ts';

export const stats: Command = defineCommand({
  name: 'stats',
  operands: { usage: '', min: 0, max: 0 },
  description: [
    'Shows for each snapshot how many files and bytes it holds, how much of the stored data it needs, and how much only it needs: that is what forgetting it alone would free.',
  ],
  options: {},
  examples: [{ command: 'keephold stats', says: 'the table, and the totals' }],
  async run(context) {
    const { out } = context;
    await using access = await openForReading(context);
    const { repository, custody } = access;
    const report = await repositoryStats({ repository, custody });
    const usage = await custody.usage(access.vaultId);
    for (const snapshot of report.snapshots) await out.record({ type: 'snapshot', ...snapshot });
    await out.record({ type: 'total', ...report.totals, usage });
    const rows = report.snapshots.map(({ seq, files, bytes, packBytes, uniquePackBytes }) => [
      `#${seq}`,
      formatCount(files),
      formatBytes(bytes),
      formatBytes(packBytes),
      formatBytes(uniquePackBytes),
    ]);
    const headings = ['No.', 'Files', 'Size', 'Stored', 'Only here'];
    await out.result(formatTable({ headings, rows, right: headings }));
    await out.result(`stored: ${formatBytes(usage.packBytes + usage.objectBytes)} in ${formatCount(usage.packs)} packs`);
    if (usage.condemnedBytes > 0) await out.result(`waiting to be freed: ${formatBytes(usage.condemnedBytes)}`);
    return exitCodes.done;
  },
});
