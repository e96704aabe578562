/** Tells what a backup read from snapshots of file systems, and what it had to read as it changed. */
import type { SnapshotAccount } from '@keephold/source-files';
import { pathRecord, withSlash } from '../listing/node-text.ts';
import type { Output } from '../terminal/output.ts';
import { printable } from '../terminal/printable.ts';
import { counted } from '../terminal/units.ts';

export async function tellSnapshots(
  out: Output,
  { frozen, live, mountedBelow, leftoversRemoved, problems }: SnapshotAccount,
): Promise<void> {
  const name = (path: Uint8Array): string => printable(withSlash(path));
  for (const { path, fileSystem, volume, snapshot } of frozen) {
    const where = snapshot === undefined ? null : pathRecord(snapshot).path;
    await out.record({
      type: 'fs-snapshot',
      ...pathRecord(path),
      fileSystem,
      volume: pathRecord(volume).path,
      snapshot: where,
    });
    const from = where === null ? 'would be from a snapshot' : 'from a snapshot';
    out.note(`${from}: ${name(path)} (${fileSystem}, of ${name(volume)})`);
  }
  for (const { path, reason } of live) {
    await out.record({ type: 'not-in-fs-snapshot', ...pathRecord(path), reason });
    if (!out.json) out.warn(`not from a snapshot: ${name(path)}: ${reason}`);
  }
  for (const { path, reason } of mountedBelow)
    await out.record({ type: 'not-in-fs-snapshot', ...pathRecord(path), reason });
  if (mountedBelow.length > 0)
    out.note(`not from a snapshot: ${counted(mountedBelow.length, 'file system')} mounted below (--json names them)`);
  for (const path of leftoversRemoved) {
    await out.record({ type: 'fs-snapshot-removed', ...pathRecord(path) });
    out.note(`removed a snapshot that a killed backup had left: ${name(path)}`);
  }
  for (const problem of problems) {
    await out.record({ type: 'fs-snapshot-problem', problem });
    if (!out.json) out.warn(`a snapshot of the file system was left: ${printable(problem)}`);
  }
}
