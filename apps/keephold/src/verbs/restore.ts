/** `keephold restore`: brings files back and accounts for every item. */
import { resolve } from 'node:path';
import { NodeType, type Snapshot } from '@keephold/engine';
import { RestoreError } from '@keephold/engine/node';
import { openForReading, type ReadAccess } from '../access/open-for-reading.ts';
import { type Command, defineCommand } from '../command-line/command.ts';
import { flag, oneOf, text, texts } from '../command-line/options.ts';
import { parseSnapshotPath, type SnapshotPath } from '../command-line/snapshot-path.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes, InterruptedError, UsageError } from '../errors.ts';
import { type RestoreRequest, runRestore } from '../jobs/run-restore.ts';
import { RestoreAccount } from '../listing/restore-account.ts';
import { type Destination, inPlaceDestination, targetDestination } from '../listing/restore-destinations.ts';
import { storedPath } from '../listing/stored-path.ts';
import { warnOfNewer } from '../listing/unread-end.ts';

export const restore: Command = defineCommand({
  name: 'restore',
  operands: { usage: 'SNAPSHOT[:PATH] | --device OLD', min: 0, max: 1 },
  description: [
    'Restores a snapshot or a part of it. With a PATH, what that folder contains lands right in the target; without one, the target gets the whole tree from the root. Links on the way to PATH are followed as they were then; one that is its end is restored as a link.',
    'What is in the target already and the same is left alone, so a restore that was interrupted goes on where it stopped. Every item ends up in the account: restored, identical, skipped or failed, and why.',
    'It ends when all is written; the system brings that to the disk within a minute or so, with --sync before it ends. If the power fails in between, run it again: it then trusts nothing that it finds.',
    'With --device it brings back what another computer backed up last, onto a new one: settings, documents and the desktop first, then the rest. With --adopt, or a yes to the question on a terminal, the new computer then takes the place of the old one: the old one is revoked, and the next backup here stores only what is new. That needs the password.',
    'Owners, set-id bits, devices and security attributes are restored with --privileged only.',
  ],
  options: {
    target: text({ short: 't', value: 'DIR', help: 'restore into this folder' }),
    'in-place': flag({ help: 'restore to where it was backed up from' }),
    device: text({ value: 'OLD', help: 'the newest of all that this device backed up, by its name or id' }),
    adopt: flag({ help: 'with --device: take the place of that device, which is revoked' }),
    include: texts({ value: 'PATTERN', help: 'only what matches, in gitignore syntax (may be repeated)' }),
    exclude: texts({ value: 'PATTERN', help: 'not what matches (may be repeated)' }),
    overwrite: oneOf({
      choices: ['never', 'if-changed', 'always'],
      initial: 'if-changed',
      help: 'what happens to files that are there already (if-changed)',
    }),
    delete: flag({ help: 'remove what the snapshot does not have; try it with --dry-run first' }),
    'dry-run': flag({ short: 'n', help: 'say what would happen and change nothing' }),
    sync: flag({ help: 'wait until all of it is on the disk' }),
    privileged: flag({ help: 'restore owners, set-id bits, devices, security attributes (as root)' }),
    'numeric-ids': flag({ help: 'restore owner numbers as they were, whatever the names are here' }),
    verbose: flag({ short: 'v', help: 'list every item, not only those with something to say' }),
  },
  examples: [
    { command: 'keephold restore latest:/home/me/Documents --target ~/restored', says: 'one folder, somewhere else' },
    {
      command: 'keephold restore --device old-laptop --in-place --adopt',
      says: 'a new computer in place of an old one',
    },
    { command: 'keephold restore 3f9a --in-place --overwrite never', says: 'what is missing, where it was' },
    { command: "keephold restore latest:/home/me --target out --include '*.odt'", says: 'some of it' },
    {
      command: 'keephold restore latest:/srv --target /srv --delete --dry-run',
      says: 'what making it the same would remove',
    },
  ],
  readsOlderCopy: true,
  async run(context, { operands: [operand = ''], options }) {
    const { out } = context;
    if ((options.device === undefined) === (operand === '')) {
      throw new UsageError('say what: either a snapshot or --device OLD', 'keephold restore --help shows examples');
    }
    if ((options.target === undefined) === !options['in-place']) {
      throw new UsageError('say where to: either --target DIR or --in-place', 'keephold restore --help shows examples');
    }
    if (options.target === '') throw new UsageError('the target is empty', 'name a folder; . is the current one');
    if (options.device !== undefined) return await fromDevice(context, options.device, options);
    if (options.adopt) throw new UsageError('--adopt goes with --device');
    const named = parseSnapshotPath(operand);
    await using access = await openForReading(context);
    const snapshot = await access.repository.snapshot(named.snapshot);
    const path = await storedPath(access.repository, { snapshot, path: named.path, lastLink: 'keep' });
    const wanted = { ...named, path };
    const isOlder = warnOfNewer(access.repository, out, [{ name: named.snapshot, snapshot }]);
    const destinations = await destinationsOf(access, { snapshot, wanted, target: options.target });
    const account = new RestoreAccount(out, {
      verbose: options.verbose || options['dry-run'],
      dryRun: options['dry-run'],
    });
    for (const { path, root } of destinations) {
      await restoreOne(context, access, {
        snapshot,
        path,
        target: { root, privileged: options.privileged, numericIds: options['numeric-ids'] },
        select: { include: options.include, exclude: options.exclude },
        overwrite: options.overwrite,
        delete: options.delete,
        dryRun: options['dry-run'],
        sync: options.sync,
        use: 'keep',
        account,
      });
      if (account.interrupted) break;
    }
    await account.print();
    if (account.interrupted) throw new InterruptedError();
    return account.failed > 0 || isOlder ? exitCodes.partial : exitCodes.done;
  },
});

interface DeviceOptions {
  readonly target: string | undefined;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly overwrite: RestoreRequest['overwrite'];
  readonly delete: boolean;
  readonly 'dry-run': boolean;
  readonly sync: boolean;
  readonly privileged: boolean;
  readonly 'numeric-ids': boolean;
  readonly adopt: boolean;
  readonly verbose: boolean;
}

async function fromDevice(context: Context, device: string, options: DeviceOptions): Promise<ExitCode> {
  if (options.delete) throw new UsageError('--delete goes with one snapshot, not with --device');
  const { restoreDevice } = await import('../jobs/new-computer/restore-device.ts');
  return await restoreDevice(context, {
    device,
    target: options.target === undefined ? undefined : resolve(options.target),
    how: { privileged: options.privileged, numericIds: options['numeric-ids'] },
    select: { include: options.include, exclude: options.exclude },
    overwrite: options.overwrite,
    dryRun: options['dry-run'],
    sync: options.sync,
    adopt: options.adopt || undefined,
    verbose: options.verbose,
  });
}

type One = Omit<RestoreRequest, 'onItem'> & { readonly account: RestoreAccount };

/** What was done counts and is told, also when the target fills up. */
async function restoreOne(context: Context, access: ReadAccess, { account, ...request }: One): Promise<void> {
  try {
    account.add(
      await runRestore(context, access, {
        ...request,
        onItem: (item) => account.item(item),
        onNote: (path, note) => account.note(path, note),
      }),
    );
  } catch (error) {
    if (!(error instanceof RestoreError)) throw error;
    account.add(error.report);
    await account.print();
    throw error;
  }
}

interface Request {
  readonly snapshot: Snapshot;
  readonly wanted: SnapshotPath;
  readonly target: string | undefined;
}

/** In place without a path: each folder that was backed up. */
async function destinationsOf(
  { repository }: ReadAccess,
  { snapshot, wanted, target }: Request,
): Promise<Destination[]> {
  const place = async (path: Uint8Array): Promise<{ path: Uint8Array; isDirectory: boolean }> => {
    const isDirectory = path.length === 0 || (await repository.nodeAt(snapshot, path)).type === NodeType.directory;
    return { path, isDirectory };
  };
  if (target !== undefined) return [targetDestination(await place(wanted.path), resolve(target))];
  const paths = wanted.path.length > 0 ? [wanted.path] : snapshot.paths;
  return Promise.all(paths.map(async (path) => inPlaceDestination(await place(path))));
}
