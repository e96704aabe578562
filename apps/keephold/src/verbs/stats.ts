/** `keephold stats`: sizes, and what each snapshot alone holds. */
import { stats as repositoryStats } from '@keephold/engine';
import { openForReading } from '../access/open-for-reading.ts';
import { type Command, defineCommand } from '../command-line/command.ts';
import { exitCodes } from '../errors.ts';
import { HISTORY_HAS_HOLES } from '../listing/history-holes.ts';
import { hex } from '../listing/node-text.ts';
import { pendingText } from '../listing/pending-text.ts';
import { quotaText, quotaWarning } from '../listing/quota-text.ts';
import { formatTable } from '../terminal/text-table.ts';
import { counted, formatBytes, formatCount } from '../terminal/units.ts';

/** In JSON, of a snapshot whose refset cannot be read. */
const UNKNOWN = { packs: null, packBytes: null, uniquePackBytes: null };

export const stats: Command = defineCommand({
  name: 'stats',
  operands: { usage: '', min: 0, max: 0 },
  description: [
    'Shows for each snapshot how many files and bytes it holds, how much of the stored data it needs, and how much only it needs: that is what forgetting it alone would free.',
  ],
  options: {},
  examples: [{ command: 'keephold stats', says: 'the table, and the totals' }],
  readsOlderCopy: true,
  async run(context) {
    const { out } = context;
    await using access = await openForReading(context);
    const { repository, custody } = access;
    const report = await repositoryStats({ repository });
    const usage = await custody.usage(access.vaultId);
    for (const { snapshot, needs, ...sizes } of report.snapshots) {
      await out.record({ type: 'snapshot', seq: snapshot.seq, id: hex(snapshot.id), ...sizes, ...(needs ?? UNKNOWN) });
    }
    const { snapshots: _each, ...totals } = report;
    const account = await custody.accountUsage();
    await out.record({ type: 'total', ...totals, usage, account });
    const rows = report.snapshots.map(({ snapshot, files, bytes, needs }) => [
      `#${snapshot.seq}`,
      hex(snapshot.id).slice(0, 8),
      files === undefined ? '' : formatCount(files),
      bytes === undefined ? '' : formatBytes(bytes),
      needs === undefined ? '?' : formatBytes(needs.packBytes),
      needs === undefined ? '?' : formatBytes(needs.uniquePackBytes),
    ]);
    const headings = ['No.', 'ID', 'Files', 'Size', 'Stored', 'Only here'];
    const right = headings.filter((heading) => heading !== 'ID');
    await out.result(formatTable({ headings, rows, right }));
    await out.result(
      `stored: ${formatBytes(usage.packBytes + usage.objectBytes)} in ${formatCount(usage.packs)} packs`,
    );
    if (usage.parityBytes) await out.result(`parity: ${formatBytes(usage.parityBytes)}`);
    const { refsetsUnread } = report;
    // The keeper does not know what these need, and takes it for what backups left that have not finished.
    const pending = refsetsUnread.length > 0 ? undefined : pendingText(usage);
    if (pending !== undefined) await out.result(pending);
    if (usage.condemnedBytes > 0) await out.result(`waiting to be freed: ${formatBytes(usage.condemnedBytes)}`);
    const quota = quotaWarning(account) ?? quotaText(account);
    if (quota !== undefined) await out.result(quota);
    const unread = repository.log.snapshots.length - report.snapshots.length;
    const { hasHoles } = repository.log;
    if (hasHoles) out.note(HISTORY_HAS_HOLES);
    if (unread > 0) out.note(`${counted(unread, 'snapshot')} cannot be read and is left out; keephold check says why`);
    if (refsetsUnread.length > 0) out.note(unreadText(refsetsUnread));
    return unread === 0 && !hasHoles && refsetsUnread.length === 0 ? exitCodes.done : exitCodes.damaged;
  },
});

function unreadText(seqs: readonly number[]): string {
  const which = seqs.map((seq) => `#${seq}`).join(', ');
  return `what ${which} ${seqs.length === 1 ? 'needs' : 'need'} cannot be read, and what only others have may be less than said; keephold heal finds it out again`;
}
