/** `keephold backup`: files and folders, as a new snapshot. */
import { openAsDevice } from '../access/open-device.ts';
import { isServer, repositoryPlace } from '../access/repository-folder.ts';
import { openUploadLine } from '../access/write-limit.ts';
import { recordingRun } from '../agent/record-run.ts';
import { type Command, defineCommand } from '../command-line/command.ts';
import { byteCount, flag, integerOr, oneOf, text, texts } from '../command-line/options.ts';
import type { Context } from '../context.ts';
import { exitCodes, UsageError } from '../errors.ts';
import { healOwnSnapshots, tellHealing } from '../jobs/heal-own-snapshots.ts';
import { memoryFor } from '../jobs/memory.ts';
import { type BackupRequest, defaultCompression, runBackup } from '../jobs/run-backup.ts';
import { runByItself } from '../jobs/run-by-itself.ts';
import { snapshotUses } from '../jobs/take-snapshots.ts';
import { tellBackup } from '../jobs/tell-backup.ts';
import { tellQuota } from '../jobs/tell-quota.ts';
import { tellSnapshots } from '../jobs/tell-snapshots.ts';
import { uploadWish } from '../jobs/upload-wish.ts';
import type { Plan } from '../plans/plan.ts';
import { planNamed, readPlans } from '../plans/plan-file.ts';
import { requireUpload, uploadOptions } from '../plans/upload-options.ts';
import { printable } from '../terminal/printable.ts';

const OWN = 'it is a folder of Keephold itself, with keys and caches';

export const backup: Command = defineCommand({
  name: 'backup',
  operands: { usage: 'PATH... | --plan NAME', min: 0, max: 1000 },
  description: [
    'Backs up files and folders as a new snapshot. Only what changed since the last time is read, and only what the repository does not have yet is stored.',
    'What cannot be read is named and the rest goes on; the exit code is then 3. Ctrl-C ends with a checkpoint: what was stored can be listed and restored, and the next run goes on from there.',
    'With --plan it follows a plan (keephold plan): its folders, its repository and its patterns, and those given here besides. --by-itself, for timers, asks what the plan says of when it may run by itself: it does not begin when something is in the way, stops with a checkpoint when something comes in the way, and keeps the machine from sleeping meanwhile.',
    'Folders tagged as caches (CACHEDIR.TAG) and folders with a file .nobackup are left out, except for their names.',
  ],
  options: {
    plan: text({ value: 'NAME', help: 'back up what this plan says, in place of PATHs and --repo' }),
    'by-itself': flag({
      help: 'only while the plan may run by itself: ends with 4 when something is in the way, or comes in the way',
    }),
    exclude: texts({
      short: 'e',
      value: 'PATTERN',
      help: 'leave out what matches, in gitignore syntax (may be repeated)',
    }),
    'exclude-file': texts({ value: 'FILE', help: 'read such patterns from FILE (may be repeated)' }),
    'include-caches': flag({ help: 'back up folders tagged as caches too' }),
    'ignore-nobackup': flag({ help: 'back up folders with a .nobackup too' }),
    'one-file-system': flag({ short: 'x', help: 'do not enter other file systems' }),
    'fs-snapshot': oneOf({
      choices: snapshotUses,
      initial: 'off',
      help: 'read from snapshots of the file system, all of one instant (btrfs, as root): where it can be done, or not at all without (off)',
    }),
    'changed-folders': text({
      value: 'FILE',
      help: 'look only at the folders that FILE (- for standard input) names as changed, for the agent and tools that know (docs/changed-folders.md)',
    }),
    tag: texts({ value: 'TAG', help: 'a word that stays with the snapshot (may be repeated)' }),
    'dry-run': flag({ short: 'n', help: 'say what would be stored and store nothing' }),
    verbose: flag({ short: 'v', help: 'name everything that was left out, and why' }),
    compression: integerOr({
      value: 'LEVEL',
      min: 1,
      max: 19,
      initial: defaultCompression,
      help: 'zstd level, 1 to 19 (4)',
    }),
    memory: byteCount({
      value: 'SIZE',
      min: 64e6,
      max: 1e12,
      help: 'use about this much memory (256MB, 285MB with a server)',
    }),
    ...uploadOptions,
    trusted: flag({ help: 'when this device is new to the repository: let it read as well' }),
    host: text({ value: 'NAME', help: 'the name of this computer in the snapshot' }),
  },
  examples: [
    { command: 'keephold backup ~', says: 'everything of yours' },
    { command: "keephold backup ~ /etc --exclude '*.iso' --tag weekly", says: 'two folders, without some files' },
    { command: 'keephold backup --plan home --by-itself', says: 'for a timer: only when the plan may run' },
    { command: 'keephold backup ~ --dry-run --verbose', says: 'what would be stored and what would be left out' },
  ],
  async run(called, invocation) {
    const { operands, options } = invocation;
    if (options['by-itself']) {
      const rest = { ...invocation, options: { ...options, 'by-itself': false } };
      return await runByItself(called, planMeant(called, options.plan), (context) => backup.run(context, rest));
    }
    const { context, paths, excludes, plan } = whatIsMeant(called, { operands, plan: options.plan });
    const { out } = context;
    const place = repositoryPlace(context);
    requireUpload(place, { limitUpload: options['limit-upload'], ...(options['give-way'] && { giveWay: true }) });
    const wish = uploadWish(context, options, plan);
    using line = await openUploadLine({
      wish,
      origin: isServer(place) ? place : undefined,
      signal: context.signal,
      now: () => context.now(),
    });
    return await recordingRun(context, options['dry-run'] ? undefined : plan, async () => {
      await using access = await openAsDevice(context, {
        role: options.trusted ? 'trusted' : 'backup-only',
        // What is not limited is written to a folder in larger pieces.
        custody: isServer(place) || wish().limits.length > 0 ? { writeLimit: line.writeLimit } : {},
      });
      const request: BackupRequest = {
        paths,
        excludes: {
          rules: [...excludes, ...options.exclude],
          files: options['exclude-file'],
          cachedirTag: !options['include-caches'],
          nobackup: !options['ignore-nobackup'],
        },
        oneFileSystem: options['one-file-system'],
        fileSystemSnapshots: options['fs-snapshot'],
        changedFolders: options['changed-folders'],
        tags: options.tag,
        compression: options.compression,
        memory: options.memory ?? memoryFor(place),
        dryRun: options['dry-run'],
        hostname: options.host ?? context.environment.hostname,
      };
      const { report, snapshots, own } = await runBackup(context, access, request);
      if (report.kind === 'complete') await tellHealing(context, await healOwnSnapshots(context, access));
      if (snapshots !== undefined) await tellSnapshots(out, snapshots);
      for (const path of own) {
        await out.record({ type: 'unreadable', path, error: OWN });
        if (!out.json) out.warn(`not read: ${printable(path)}: ${OWN}`);
      }
      if (!options['dry-run']) await tellQuota(out, access.custody);
      await tellBackup(out, report, { dryRun: options['dry-run'], verbose: options.verbose });
      // What is inside a snapshot and was read as it changed is not what was asked for.
      const isLive = options['fs-snapshot'] === 'require' && (snapshots?.live ?? []).length > 0;
      const lacks = report.unreadable.length + own.length > 0 || isLive;
      if (report.interrupted) return { code: exitCodes.interrupted, report };
      return { code: lacks ? exitCodes.partial : exitCodes.done, report };
    });
  },
});

interface Meant {
  readonly context: Context;
  readonly paths: readonly string[];
  /** Before those that are given. */
  readonly excludes: readonly string[];
  readonly plan: Plan | undefined;
}

function planMeant({ environment }: Context, name: string | undefined): Plan {
  if (name === undefined)
    throw new UsageError('--by-itself needs --plan NAME', 'a plan says when it may run by itself');
  return planNamed(readPlans(environment), name);
}

function whatIsMeant(
  context: Context,
  { operands, plan: name }: { readonly operands: readonly string[]; readonly plan: string | undefined },
): Meant {
  if (name === undefined) {
    if (operands.length > 0) return { context, paths: operands, excludes: [], plan: undefined };
    throw new UsageError('backup needs PATH... or --plan NAME', 'usage: keephold backup [options] PATH...');
  }
  const { globals, environment } = context;
  if (operands.length > 0) throw new UsageError('--plan names the folders: it takes no PATH besides');
  if (globals.repo !== undefined) throw new UsageError('--plan names the repository: it takes no --repo besides');
  const plan = planNamed(readPlans(environment), name);
  const { repository, folders, excludes } = plan;
  return { context: { ...context, globals: { ...globals, repo: repository } }, paths: folders, excludes, plan };
}
