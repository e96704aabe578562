/** `keephold snapshots`: what there is to restore from. */
import type { Snapshot } from '@keephold/engine';
import { openForReading } from '../access/open-for-reading.ts';
import { type Command, defineCommand } from '../command-line/command.ts';
import { flag } from '../command-line/options.ts';
import { exitCodes } from '../errors.ts';
import { HISTORY_HAS_HOLES } from '../listing/history-holes.ts';
import { hex, withSlash } from '../listing/node-text.ts';
import { snapshotFields, snapshotSizes } from '../listing/snapshot-text.ts';
import { printable } from '../terminal/printable.ts';
import { formatTable } from '../terminal/text-table.ts';
import { counted, formatBytes, formatCount, formatTime } from '../terminal/units.ts';

export const snapshots: Command = defineCommand({
  name: 'snapshots',
  operands: { usage: '', min: 0, max: 0 },
  description: [
    'Lists the snapshots of a repository, oldest first. A checkpoint is what an interrupted backup had stored; it can be listed and restored like any other.',
    'Snapshots that were forgotten are shown with --all until they expire.',
  ],
  options: { all: flag({ short: 'a', help: 'show forgotten snapshots too' }) },
  examples: [
    { command: 'keephold snapshots', says: 'the list' },
    { command: "keephold snapshots --json | jq -r '.id'", says: 'the ids, for a script' },
  ],
  readsOlderCopy: true,
  async run(context, { options }) {
    const { out } = context;
    await using access = await openForReading(context);
    const all = await access.repository.snapshots();
    // Named in warnings. With them nobody may take this list for all there is.
    const unread = access.repository.log.snapshots.length - all.length;
    const shown = all.filter(({ state }) => options.all || state === 'active');
    for (const snapshot of shown) await out.record({ type: 'snapshot', ...snapshotFields(snapshot) });
    if (shown.length > 0) await out.result(snapshotTable(shown).trimEnd());
    else if (all.length === 0 && unread === 0 && !access.repository.log.hasHoles)
      out.note('there is no snapshot yet; keephold backup FOLDER makes one');
    const hidden = all.length - shown.length;
    if (hidden > 0) out.note(`${counted(hidden, 'forgotten snapshot')} not shown (--all shows them)`);
    if (unread > 0) out.note(`${counted(unread, 'snapshot')} cannot be read; keephold check says why`);
    if (access.repository.log.hasHoles) out.note(HISTORY_HAS_HOLES);
    return unread > 0 || access.repository.log.hasHoles ? exitCodes.damaged : exitCodes.done;
  },
});

function snapshotTable(snapshots: readonly Snapshot[]): string {
  const rows = snapshots.map((snapshot) => {
    const { files, bytes } = snapshotSizes(snapshot);
    return [
      `#${snapshot.seq}`,
      hex(snapshot.id).slice(0, 8),
      formatTime(snapshot.time),
      printable(snapshot.hostname),
      files === undefined ? '' : formatCount(files),
      bytes === undefined ? '' : formatBytes(bytes),
      [
        snapshot.kind === 'checkpoint' ? 'checkpoint' : '',
        snapshot.state === 'trashed' ? 'forgotten' : '',
        ...snapshot.tags,
      ]
        .filter((part) => part !== '')
        .map(printable)
        .join(', '),
      snapshot.paths.map((path) => printable(withSlash(path))).join(', '),
    ];
  });
  return formatTable({
    headings: ['No.', 'ID', 'Time', 'Host', 'Files', 'Size', 'Tags', 'Paths'],
    rows,
    right: ['No.', 'Files', 'Size'],
  });
}
