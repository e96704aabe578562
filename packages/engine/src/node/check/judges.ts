/** What a walk through the snapshots says of the blobs it meets: whether each has a place, or whether what is lost has it. */
import { toHex } from '@keephold/bytes';
import { EngineError } from '../../errors.ts';
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
      const what = known
        ? 'what files need is only in packs that their snapshot does not keep'
        : 'what files need is in no pack that an index lists';
      findings.addBlob('missing-blob', what, { id: toHex(id), affected: where() });
    },
    unreadable: ({ message, blob, cause }, where) => {
      if (blob === undefined || !(cause instanceof EngineError)) findings.add('damaged-tree', message, where());
      else {
        const why = `folders cannot be read: ${cause.message}`;
        findings.addBlob('damaged-tree', why, { id: toHex(blob), affected: where() });
      }
    },
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
