/** `keephold cat`: one file of a snapshot, to standard output. */
import { availableParallelism } from 'node:os';
import { cat as catFile } from '@keephold/engine/node';
import { openForReading } from '../access/open-for-reading.ts';
import { type Command, defineCommand } from '../command-line/command.ts';
import { parseSnapshotPath } from '../command-line/snapshot-path.ts';
import { exitCodes, UsageError } from '../errors.ts';
import { storedPath } from '../listing/stored-path.ts';
import { warnOfNewer } from '../listing/unread-end.ts';
import { spawnReadWorker } from '../workers.ts';

export const cat: Command = defineCommand({
  name: 'cat',
  operands: { usage: 'SNAPSHOT:PATH', min: 1, max: 1 },
  description: [
    'Writes one file of a snapshot to standard output. Every byte is verified before it is written. Links in the path are followed as they were then.',
  ],
  options: {},
  examples: [
    { command: 'keephold cat latest:/home/me/notes.txt', says: 'the file as it was in the newest snapshot' },
    { command: 'keephold cat 3f9a:/home/me/photo.jpg > photo.jpg', says: 'an older one, by the beginning of its id' },
  ],
  readsOlderCopy: true,
  async run(context, { operands: [operand = ''] }) {
    const { out, signal } = context;
    const { snapshot: name, path: named, hasPath } = parseSnapshotPath(operand);
    if (!hasPath || named.length === 0)
      throw new UsageError('cat needs a file', 'write SNAPSHOT:PATH, for example latest:/home/me/notes.txt');
    if (out.json) throw new UsageError('cat writes the bytes of a file; it cannot write them as JSON');
    await using access = await openForReading(context);
    const { repository } = access;
    const snapshot = await repository.snapshot(name);
    const isOlder = warnOfNewer(repository, out, [{ name, snapshot }]);
    const path = await storedPath(repository, { snapshot, path: named, lastLink: 'follow' });
    // A reader that has enough (head) ends the work, and that is no failure.
    const enough = new AbortController();
    const stop = AbortSignal.any([signal, enough.signal]);
    const write = async (bytes: Uint8Array): Promise<void> => {
      await out.bytes(bytes);
      if (out.closed) enough.abort();
    };
    try {
      await catFile({
        repository,
        snapshot,
        path,
        write,
        spawnWorker: spawnReadWorker,
        workers: availableParallelism(),
        signal: stop,
      });
    } catch (error) {
      if (!out.closed) throw error;
    }
    return isOlder ? exitCodes.damaged : exitCodes.done;
  },
});
