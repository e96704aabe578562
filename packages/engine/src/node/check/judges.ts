/** What a walk through the snapshots says of the blobs it meets: whether each has a place, or whether what is lost has it. */
import { toHex } from '@keephold/bytes';
import type { LostPlaces } from './check-packs.ts';
import type { Findings } from './findings.ts';
import type { PackCatalog } from './pack-catalog.ts';
import type { WalkJudge } from './snapshot-walk.ts';

interface Judging {
  readonly catalog: PackCatalog;
  readonly findings: Findings;
}

/** Every blob must be in a pack that counts. */
export function placeJudge({
  catalog,
  findings,
  counts,
}: Judging & { readonly counts: (pack: number) => boolean }): WalkJudge {
  return {
    blob: (id, _kind, where) => {
      if (catalog.blobs.some(id, (pack) => counts(pack))) return;
      const known = catalog.blobs.some(id, () => true);
      const what = known ? 'is only in packs that its snapshot does not keep' : 'is in no pack that an index lists';
      findings.add('missing-blob', `blob ${toHex(id)} ${what}`, where());
    },
    unreadable: (error, where) => findings.add('damaged-tree', error.message, where()),
  };
}

/** Names what needs a blob that is only where it is lost. What cannot be read was told by the first walk. */
export function lossJudge({ catalog, findings, lost }: Judging & { readonly lost: LostPlaces }): WalkJudge {
  return {
    blob: (id, _kind, where) => {
      let reason: string | undefined;
      const good = catalog.blobs.some(id, (pack) => {
        const why = lost.reason(pack, id);
        reason ??= why;
        return why === undefined;
      });
      if (good || reason === undefined) return;
      findings.add(reason.endsWith('is not there') ? 'missing-pack' : 'damaged-pack', reason, where());
    },
    unreadable: () => undefined,
  };
}
