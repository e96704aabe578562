/** What the comparison of a restored tree with its original saw. */
import type { UnreadableEntry } from '@keephold/engine/node';
import { typeName } from '../listing/node-text.ts';
import { type Output, pathFields } from '../terminal/output.ts';
import { printable } from '../terminal/printable.ts';
import { counted, formatBytes, formatDuration, formatRate } from '../terminal/units.ts';
import type { Proof } from './prove-restore.ts';

export interface ProofToTell {
  readonly proof: Proof;
  readonly unreadable: readonly UnreadableEntry[];
}

export async function tellProof(out: Output, { proof, unreadable }: ProofToTell): Promise<void> {
  const { restored, compared, differences, missing, databaseCopies, ownersCompared } = proof;
  for (const { path, kind, weight, detail } of differences) {
    await out.record({ type: 'difference', kind, weight, detail, ...pathFields(path) });
    const text = `${printable(path)}: ${kind.replace('-', ' ')}${detail === '' ? '' : ` (${detail})`}`;
    if (out.json) continue;
    if (weight === 'difference') out.error(`differs: ${text}`);
    else out.note(`changed meanwhile: ${text}`);
  }
  for (const { path, type, outcome, reason } of missing) {
    await out.record({ type: 'item', ...pathFields(path), kind: typeName(type), outcome, reason: reason ?? null });
    if (!out.json) out.error(`${outcome}: ${printable(path)}: ${reason ?? 'no reason given'}`);
  }
  await out.record({
    type: 'proof',
    equal: compared.differences === 0,
    restored: sums(proof),
    ...compared,
    databaseCopies: databaseCopies.length,
    ownersCompared,
  });
  if (out.quiet || out.json) return;
  const rate = restored.durationMs > 0 ? ` (${formatRate((restored.bytes / restored.durationMs) * 1000)})` : '';
  await out.result(
    `restored ${counted(restored.restored, 'item')}, ${formatBytes(restored.bytes)} in ${formatDuration(restored.durationMs)}${rate}`,
  );
  const what = `${counted(compared.files, 'file')}, ${counted(compared.directories, 'folder')}, ${formatBytes(compared.bytes)}`;
  if (compared.differences > 0) await out.result(`compared ${what}: ${counted(compared.differences, 'difference')}`);
  else
    await out.result(
      `compared ${what}: every byte and all metadata the same${ownersCompared ? '' : ' (owners need root)'}`,
    );
  if (databaseCopies.length > 0) {
    await out.result(
      `not compared: ${counted(databaseCopies.length, 'file')} of databases in use, which SQLite copied and checked`,
    );
  }
  if (compared.changedMeanwhile > 0) {
    await out.result(`${counted(compared.changedMeanwhile, 'item')} changed while this ran; the next run has them`);
  }
  if (unreadable.length > 0)
    await out.result(`${counted(unreadable.length, 'item')} could not be read, so they are not in the backup`);
}

function sums({
  restored: { restored, identical, skipped, failed, bytes, durationMs },
}: Proof): Readonly<Record<string, number>> {
  return { restored, identical, skipped, failed, bytes, durationMs };
}
