/** `keephold find`: names in all snapshots, each version of an entry once. */
import { openForReading } from '../access/open-for-reading.ts';
import { type Command, defineCommand } from '../command-line/command.ts';
import { oneOf, texts } from '../command-line/options.ts';
import { parseSnapshotPath } from '../command-line/snapshot-path.ts';
import { exitCodes } from '../errors.ts';
import { findVersions } from '../listing/find-versions.ts';
import { HISTORY_HAS_HOLES } from '../listing/history-holes.ts';
import { namePattern } from '../listing/name-pattern.ts';
import { hex, nodeFields, pathRecord, typeName, withSlash } from '../listing/node-text.ts';
import { storedFolder } from '../listing/stored-path.ts';
import { warnOfNewer } from '../listing/unread-end.ts';
import { counted, exactTime, formatBytes, formatTime } from '../terminal/units.ts';

const kinds = ['any', 'file', 'directory', 'symlink'] as const;

export const find: Command = defineCommand({
  name: 'find',
  operands: { usage: 'PATTERN', min: 1, max: 1 },
  description: [
    'Looks for names in all snapshots, newest first, and prints every version once: when it was changed, its size, the newest snapshot that has it, and its path.',
    'A PATTERN with * ? or [ ] must match the whole name; any other text may stand anywhere in it. With a slash it is about the whole path. Upper and lower case are the same.',
  ],
  options: {
    snapshot: texts({ value: 'SNAPSHOT', help: 'look in this snapshot only (may be repeated)' }),
    kind: oneOf({ choices: kinds, initial: 'any', help: 'only entries of this kind' }),
  },
  examples: [
    { command: 'keephold find "tax 2025"', says: 'anything with that in its name' },
    { command: "keephold find '*.heic' --kind file", says: 'photos, in all their versions' },
    { command: "keephold find '/home/me/**/budget*.ods' --snapshot latest", says: 'by path, in the newest snapshot' },
  ],
  readsOlderCopy: true,
  async run(context, { operands: [pattern = ''], options }) {
    const { out } = context;
    const matcher = namePattern(pattern);
    const names = options.snapshot.map((operand) => parseSnapshotPath(operand).snapshot);
    await using access = await openForReading(context);
    const { repository } = access;
    const named = names.length > 0;
    const chosen = named
      ? await Promise.all(names.map((name) => repository.snapshot(name)))
      : await repository.snapshots();
    const isOlder = warnOfNewer(
      repository,
      out,
      chosen.map((snapshot, index) => ({ name: names[index] ?? '', snapshot })),
    );
    let found = 0;
    for await (const { path, node, snapshot } of findVersions(repository, chosen, matcher)) {
      if (out.closed) break;
      if (options.kind !== 'any' && typeName(node.type) !== options.kind) continue;
      found++;
      if (out.json) {
        const where = { snapshot: hex(snapshot.id), seq: snapshot.seq, time: exactTime(snapshot.time) };
        await out.record({ type: 'match', ...pathRecord(path), ...where, ...nodeFields(node) });
        continue;
      }
      const size = typeName(node.type) === 'file' ? formatBytes(node.size ?? 0) : typeName(node.type);
      const before = `${formatTime(node.mtime)}  ${size.padStart(10)}  ${hex(snapshot.id).slice(0, 8)}:`;
      await out.pathLine(before, withSlash(path));
    }
    if (found === 0) {
      const other = await storedFolder(repository, chosen, pattern);
      if (other !== undefined) out.note(other);
    }
    out.note(`${counted(found, 'version')} in ${counted(chosen.length, 'snapshot')}`);
    const unread = named ? 0 : repository.log.snapshots.length - chosen.length;
    const hasHoles = !named && repository.log.hasHoles;
    if (hasHoles) out.note(HISTORY_HAS_HOLES);
    if (unread > 0)
      out.note(`${counted(unread, 'snapshot')} cannot be read, and was not looked in; keephold check says why`);
    if (unread === 0 && !hasHoles && !isOlder) return exitCodes.done;
    return exitCodes.damaged;
  },
});
