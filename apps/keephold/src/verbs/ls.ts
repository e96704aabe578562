/** `keephold ls`: what a snapshot contains. */
import { NodeType, type Repository, type Snapshot, type TreeNode } from '@keephold/engine';
import { openForReading } from '../access/open-for-reading.ts';
import { type Command, defineCommand } from '../command-line/command.ts';
import { flag } from '../command-line/options.ts';
import { parseSnapshotPath, type SnapshotPath } from '../command-line/snapshot-path.ts';
import { exitCodes } from '../errors.ts';
import { joinPath, linkText, longPrefix, nodeFields, pathRecord, withSlash } from '../listing/node-text.ts';
import { storedPath } from '../listing/stored-path.ts';
import { warnOfNewer } from '../listing/unread-end.ts';
import type { Output } from '../terminal/output.ts';

export const ls: Command = defineCommand({
  name: 'ls',
  operands: { usage: 'SNAPSHOT[:PATH]', min: 1, max: 1 },
  description: [
    'Lists a folder of a snapshot, one absolute path a line, sorted by name. Without a path: what lies in the folders that were backed up; with --recursive everything. Links in the path are followed as they were then.',
    'Names are written byte by byte as they are; on a terminal, what could mislead it is written as an escape.',
  ],
  options: {
    recursive: flag({ short: 'r', help: 'everything below as well' }),
    long: flag({ short: 'l', help: 'type, mode, owner, size and time of each entry' }),
  },
  examples: [
    { command: 'keephold ls latest', says: 'what was backed up last' },
    { command: 'keephold ls --long latest:/home/me', says: 'one folder, with details' },
    { command: 'keephold ls --recursive --json 3f9a:/home/me', says: 'everything in it, for a script' },
  ],
  readsOlderCopy: true,
  async run(context, { operands: [operand = ''], options }) {
    const { out } = context;
    const named = parseSnapshotPath(operand);
    await using access = await openForReading(context);
    const snapshot = await access.repository.snapshot(named.snapshot);
    const path = await storedPath(access.repository, { snapshot, path: named.path, lastLink: 'follow-to-folder' });
    const wanted = { ...named, path };
    const isOlder = warnOfNewer(access.repository, out, [{ name: named.snapshot, snapshot }]);
    const list = options.recursive ? everything : oneLevel;
    for await (const { path, node } of list(access.repository, snapshot, wanted)) {
      if (out.closed) break;
      const wait = printEntry(out, { path, node, long: options.long });
      if (wait !== undefined) await wait;
    }
    return isOlder ? exitCodes.damaged : exitCodes.done;
  },
});

interface Entry {
  readonly path: Uint8Array;
  readonly node: TreeNode;
}

function everything(repository: Repository, snapshot: Snapshot, { path }: SnapshotPath): AsyncIterable<Entry> {
  return repository.walk(snapshot, path);
}

async function* oneLevel(repository: Repository, snapshot: Snapshot, wanted: SnapshotPath): AsyncGenerator<Entry> {
  const folders = wanted.hasPath ? [wanted.path] : snapshot.paths;
  for (const path of folders) {
    if (path.length === 0) {
      for await (const child of repository.children(snapshot)) yield { path: child.name, node: child };
      continue;
    }
    const node = await repository.nodeAt(snapshot, path);
    if (node.type !== NodeType.directory) yield { path, node };
    else for await (const child of repository.children(node)) yield { path: joinPath(path, child.name), node: child };
  }
}

/** A promise only when there is need to wait: this runs for every entry of a snapshot. */
function printEntry(out: Output, { path, node, long }: Entry & { readonly long: boolean }): Promise<void> | undefined {
  if (out.json) return out.record({ type: 'entry', ...pathRecord(path), ...nodeFields(node) });
  if (!long) return out.absolutePathLine(path);
  return out.pathLine(longPrefix(node), withSlash(path), linkText(node));
}
