/** Snapshots that are there by their commits and cannot be read. Needs no read key: their objects have their hash for a name. */
import { equalBytes } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto';
import type { Custody, SnapshotRecord, VaultId } from '@keephold/protocol';
import type { Output } from '../terminal/output.ts';
import { counted } from '../terminal/units.ts';

/** As many objects as are in memory at once; each is small. */
const AT_ONCE = 64;
const SHOWN = 10;

interface Listed {
  readonly custody: Pick<Custody, 'getObjects' | 'usage'>;
  readonly vaultId: VaultId;
  readonly records: readonly SnapshotRecord[];
}

/** Warns of them; answers whether there are any. */
export async function warnOfUnreadable(
  out: Pick<Output, 'warn'>,
  { custody, vaultId, records }: Listed,
): Promise<boolean> {
  const kept = records.filter(({ state }) => state !== 'expired');
  const unreadable: number[] = [];
  for (let at = 0; at < kept.length; at += AT_ONCE) {
    const some = kept.slice(at, at + AT_ONCE);
    const objects = await custody.getObjects(
      vaultId,
      some.map(({ object }) => object),
    );
    for (const [i, { seq, object }] of some.entries()) {
      const bytes = objects[i];
      if (bytes === undefined || !equalBytes(sha256(bytes), object)) unreadable.push(seq);
    }
  }
  if (unreadable.length > 0)
    out.warn(`${counted(unreadable.length, 'snapshot')} cannot be read: ${numbers(unreadable)}`);
  const { unreadCommits } = await custody.usage(vaultId);
  if (unreadCommits > 0)
    out.warn(`${counted(unreadCommits, 'commit')} cannot be read, and may hold snapshots that are not listed here`);
  return unreadable.length > 0 || unreadCommits > 0;
}

function numbers(seqs: readonly number[]): string {
  const shown = seqs.slice(0, SHOWN).map((seq) => `#${seq}`);
  return seqs.length > SHOWN ? `${shown.join(', ')} and ${seqs.length - SHOWN} more` : shown.join(', ');
}
