/** `keephold diff`: what changed from one snapshot to another. */
import { diff as diffSnapshots } from '@keephold/engine';
import { openForReading } from '../access/open-for-reading.ts';
import { type Command, defineCommand } from '../command-line/command.ts';
import { parseSnapshotPath } from '../command-line/snapshot-path.ts';
import { exitCodes, UsageError } from '../errors.ts';
import { nodeFields, pathRecord, withSlash } from '../listing/node-text.ts';
import { warnOfNewer } from '../listing/unread-end.ts';
import { formatCount } from '../terminal/units.ts';

const letters = { added: '+', removed: '-', modified: 'M', metadata: 'm', type: 'T' } as const;

export const diff: Command = defineCommand({
  name: 'diff',
  operands: { usage: 'SNAPSHOT SNAPSHOT', min: 2, max: 2 },
  description: [
    'Shows what differs between two snapshots, the older one first. Folders that are equal are not even read.',
    'Each line begins with + added, - removed, M content changed, m only metadata changed (times, mode, owner, attributes), T became another type.',
  ],
  options: {},
  examples: [
    { command: 'keephold diff 3f9a latest', says: 'what changed since that snapshot' },
    { command: "keephold diff '#12' '#13' --json", says: 'the same with the entries before and after' },
  ],
  readsOlderCopy: true,
  async run(context, { operands: [older = '', newer = ''] }) {
    const { out } = context;
    const names = [older, newer].map((operand) => {
      const { snapshot, path } = parseSnapshotPath(operand);
      if (path.length > 0) throw new UsageError('diff compares whole snapshots; leave the path away');
      return snapshot;
    });
    await using access = await openForReading(context);
    const { repository } = access;
    const [a, b] = [await repository.snapshot(names[0] ?? ''), await repository.snapshot(names[1] ?? '')];
    const chosen = [a, b].map((snapshot, index) => ({ name: names[index] ?? '', snapshot }));
    const code = warnOfNewer(repository, out, chosen) ? exitCodes.damaged : exitCodes.done;
    const counts: Record<keyof typeof letters, number> = { added: 0, removed: 0, modified: 0, metadata: 0, type: 0 };
    for await (const { path, change, before, after } of diffSnapshots({ repository, a, b })) {
      if (out.closed) return code;
      counts[change]++;
      if (out.json) {
        const sides = { ...(before && { before: nodeFields(before) }), ...(after && { after: nodeFields(after) }) };
        await out.record({ type: 'change', change, ...pathRecord(path), ...sides });
      } else await out.pathLine(`${letters[change]} `, withSlash(path));
    }
    const { type: retyped, ...others } = counts;
    await out.record({ type: 'summary', ...others, retyped });
    out.note(
      `${formatCount(counts.added)} added, ${counts.removed} removed, ${counts.modified} changed, ` +
        `${counts.metadata} with other metadata${retyped > 0 ? `, ${retyped} of another type` : ''}`,
    );
    return code;
  },
});
