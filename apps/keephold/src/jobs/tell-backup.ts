/** What a backup did, told: every file it could not read, what it left out and why, and the sums. */
import type { BackupReport, FullWalkReason } from '@keephold/engine/node';
import { hex, pathRecord, withSlash } from '../listing/node-text.ts';
import type { Output } from '../terminal/output.ts';
import { printable } from '../terminal/printable.ts';
import { counted, formatBytes, formatCount, formatDuration, formatRate } from '../terminal/units.ts';

export interface TellOptions {
  readonly dryRun: boolean;
  /** Name everything that was left out. */
  readonly verbose: boolean;
}

const FULL_WALK: Readonly<Record<FullWalkReason, string>> = {
  'unreadable-changes': 'the file of changed folders cannot be understood',
  unwatchable: 'there are files where changes cannot be watched',
  'file-system-snapshot': 'they were read from a snapshot of the file system',
  'no-last-walk': 'too little is known of the last time',
  'other-snapshot': 'the changes are not those since the last snapshot',
  'other-view': 'options, rules, rights, mounts or this program changed',
  'interrupted-before': 'the last backup was interrupted',
  due: 'the last look into every folder was a week ago',
  'hard-link': 'a file got another name, which may be anywhere',
  'replaced-folder': 'a folder is another one than it was',
  'missing-data': 'the repository lacks something that was stored',
};

export async function tellBackup(out: Output, report: BackupReport, options: TellOptions): Promise<void> {
  await tellItems(out, report, options);
  await out.record(summaryRecord(report, options));
  if (out.quiet || out.json) return;
  const { snapshot, kind, isWhole, walk, directories, files, bytes, bytesRead, bytesStored, durationMs } = report;
  const all = files.new + files.changed + files.unchanged;
  const rate = durationMs > 0 ? formatRate((bytes / durationMs) * 1000) : '';
  await out.result(
    `${counted(all, 'file')}, ${formatBytes(bytes)}: ${formatCount(files.new)} new, ${formatCount(files.changed)} changed, ` +
      `${formatCount(files.unchanged)} unchanged`,
  );
  if (files.storedAgain > 0)
    await out.result(
      `${counted(files.storedAgain, 'unchanged file')} stored again: the repository had lost what they hold`,
    );
  // A dry run reads no contents, so how much is new in them is not known.
  if (options.dryRun) await out.result('nothing was stored: this was a dry run');
  else {
    await out.result(
      `read ${formatBytes(bytesRead)}, stored ${formatBytes(bytesStored)} in ${formatDuration(durationMs)} (${rate})`,
    );
  }
  if (walk.kind === 'changed')
    await out.result(
      `looked into ${formatCount(walk.listed)} of ${counted(directories, 'folder')}: nothing else changed`,
    );
  else if (walk.because !== undefined) await out.result(`looked into every folder: ${FULL_WALK[walk.because]}`);
  if (snapshot === undefined) return;
  if (!isWhole) await out.result('files that were not stored yet are left out');
  const name = `#${snapshot.seq} ${hex(snapshot.id).slice(0, 8)}`;
  await out.result(
    kind === 'checkpoint' ? `checkpoint ${name}: the next backup goes on from here` : `snapshot ${name}`,
  );
}

async function tellItems(
  out: Output,
  { unreadable, notes, excluded }: BackupReport,
  { verbose }: TellOptions,
): Promise<void> {
  for (const { path, error } of unreadable) {
    await out.record({ type: 'unreadable', ...pathRecord(path), error });
    if (!out.json) out.warn(`not read: ${printable(withSlash(path))}: ${error}`);
  }
  for (const { path, note } of notes) {
    await out.record({ type: 'note', ...pathRecord(path), note });
    out.note(`note: ${printable(withSlash(path))}: ${note}`);
  }
  for (const { path, reason } of excluded.entries) {
    await out.record({ type: 'excluded', ...pathRecord(path), reason });
    if (verbose) out.note(`left out: ${printable(withSlash(path))}: ${reason}`);
  }
  if (excluded.count > 0 && !verbose)
    out.note(`left out ${counted(excluded.count, 'item')} by rules (--verbose names them)`);
}

function summaryRecord(
  report: BackupReport,
  { dryRun }: TellOptions,
): { readonly type: string } & Record<string, unknown> {
  const { kind, snapshot, unreadable, notes, excluded, files, ...sums } = report;
  return {
    type: 'summary',
    kind,
    snapshot: snapshot === undefined ? null : { seq: snapshot.seq, id: hex(snapshot.id) },
    dryRun,
    filesNew: files.new,
    filesChanged: files.changed,
    filesUnchanged: files.unchanged,
    filesStoredAgain: files.storedAgain,
    unreadable: unreadable.length,
    notes: notes.length,
    excluded: excluded.count,
    ...sums,
  };
}
