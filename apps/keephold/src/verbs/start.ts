/**
 * `keephold start`: the whole thing in one command. Backs a folder up, restores it elsewhere, compares the two byte for
 * byte, and says what it saw.
 */
import { existsSync, realpathSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { BackupReport } from '@keephold/engine/node';
import { openAsDevice } from '../access/open-device.ts';
import { openForReading } from '../access/open-for-reading.ts';
import { ownFoldersBelow } from '../access/own-folders.ts';
import { startPassword } from '../access/start-password.ts';
import { type Command, defineCommand } from '../command-line/command.ts';
import { byteCount, texts } from '../command-line/options.ts';
import { snapshotPathBytes } from '../command-line/snapshot-path.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes, InterruptedError, UsageError } from '../errors.ts';
import { leftOutBelow } from '../jobs/left-out.ts';
import { defaultMemory } from '../jobs/memory.ts';
import { type Proof, proveRestore } from '../jobs/prove-restore.ts';
import { type BackupRequest, defaultCompression, runBackup } from '../jobs/run-backup.ts';
import { tellBackup } from '../jobs/tell-backup.ts';
import { tellProof } from '../jobs/tell-proof.ts';
import { createRepository } from './init.ts';

export const start: Command = defineCommand({
  name: 'start',
  operands: { usage: 'FOLDER', min: 1, max: 1 },
  description: [
    'Backs up a folder into a repository of yours (made at the first time), restores it into a temporary folder, compares every byte and all metadata, and says what it saw. Run it again: only what changed is stored.',
    'The repository is the one named by --repo or KEEPHOLD_REPO, else a folder among your own data. Without a terminal the password is taken from the environment, or made and kept in a file only you can read.',
  ],
  options: {
    exclude: texts({
      short: 'e',
      value: 'PATTERN',
      help: 'leave out what matches, in gitignore syntax (may be repeated)',
    }),
    memory: byteCount({ value: 'SIZE', min: 64e6, max: 1e12, help: 'use about this much memory (256MB)' }),
  },
  examples: [{ command: 'keephold start ~/Documents', says: 'back up, restore, compare' }],
  async run(context, { operands: [operand = ''], options }) {
    const folder = sourceFolder(operand);
    const prepared = await prepareRepository(context);
    const memory = options.memory ?? defaultMemory;
    const excludes = { rules: options.exclude, files: [], cachedirTag: true, nobackup: true };
    const request: BackupRequest = {
      paths: [folder],
      excludes,
      oneFileSystem: false,
      fileSystemSnapshots: 'off',
      tags: [],
      compression: defaultCompression,
      memory,
      dryRun: false,
      hostname: context.environment.hostname,
    };
    const report = await backUp(prepared, request);
    await using access = await openForReading(prepared);
    const snapshot = await access.repository.snapshot(
      report.snapshot === undefined ? 'latest' : `#${report.snapshot.seq}`,
    );
    const proof = await proveRestore(prepared, access, {
      snapshot,
      folder,
      path: snapshotPathBytes(folder),
      bytes: report.bytes,
      leftOut: leftOutBelow(folder, { ...excludes, roots: [folder] }, ownFoldersBelow(prepared, folder)),
    });
    await tellProof(prepared.out, { proof, unreadable: report.unreadable });
    await tellNext(prepared, folder);
    return verdict(proof, report.unreadable.length);
  },
});

function sourceFolder(operand: string): string {
  const folder = resolve(operand);
  if (!existsSync(folder)) throw new UsageError(`there is no folder ${folder}`);
  if (!statSync(folder).isDirectory())
    throw new UsageError(`${folder} is not a folder`, 'keephold backup takes single files too');
  return realpathSync(folder);
}

/** The context with a repository that exists and a password that is known. */
async function prepareRepository(context: Context): Promise<Context> {
  const { environment, globals, out } = context;
  const repo = resolve(globals.repo ?? environment.repository ?? join(environment.folders.data, 'repository'));
  const named: Context = { ...context, globals: { ...globals, repo } };
  const isNew = !existsSync(join(repo, 'keephold.format'));
  const { password, file } = await startPassword(named, isNew);
  const known: Context = { ...named, password };
  if (file !== undefined) out.note(`the password lies in ${file}`);
  if (!isNew) return known;
  out.note(`creating a repository in ${repo}`);
  const { wordsFile } = await createRepository(known, { folder: repo, trusted: false, password });
  if (wordsFile !== null)
    out.note(`the 24 recovery words lie in ${wordsFile}; write them on paper, then delete that file`);
  return known;
}

async function backUp(context: Context, request: BackupRequest): Promise<BackupReport> {
  await using access = await openAsDevice(context);
  const { report } = await runBackup(context, access, request);
  await tellBackup(context.out, report, { dryRun: false, verbose: true });
  if (report.interrupted) throw new InterruptedError();
  return report;
}

function verdict({ compared, restored }: Proof, unreadable: number): ExitCode {
  if (compared.differences > 0) return exitCodes.damaged;
  return restored.failed > 0 || unreadable > 0 ? exitCodes.partial : exitCodes.done;
}

async function tellNext({ out, environment, globals }: Context, folder: string): Promise<void> {
  const { command } = environment;
  if (out.json || out.quiet) return;
  await out.result(
    [
      '',
      'where to go next:',
      `  export KEEPHOLD_REPO='${globals.repo}'`,
      `  ${command} snapshots`,
      `  ${command} ls --long 'latest:${folder}'`,
      `  ${command} restore 'latest:${folder}' --target ~/restored`,
      `  ${command} --help`,
    ].join('\n'),
  );
}
