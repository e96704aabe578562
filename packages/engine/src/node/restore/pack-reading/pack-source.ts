/** What reading packs needs of a repository. */
import type { PackKey } from '@keephold/crypto';
import type { PackId, PageRange } from '@keephold/protocol';
import type { PackRecord } from '../../../reading/blob-locations.ts';

/** A Repository is one. */
export interface PackSource {
  /** As ReadingCustody.getPack, of this vault. */
  getPack(packId: PackId, into: Uint8Array, range?: PageRange): Promise<number | undefined>;
  packKeyOf(pack: PackRecord): Promise<PackKey>;
}
