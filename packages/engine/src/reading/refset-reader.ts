/** The packs that a snapshot needs, checked against the digest that was signed (format.md §7). */
import { equalBytes } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto';
import {
  CustodyError,
  checkPackIdList,
  MalformedRecordError,
  type PackIdList,
  type ReadingCustody,
  refsetDigestInput,
  type VaultId,
} from '@keephold/protocol';
import { DamagedError } from '../errors.ts';
import type { RefsetEntry } from './commit-log.ts';

/**
 * The refset of a snapshot, or of its latest heal; sorted.
 * @throws DamagedError when the keeper has another set than the one signed, or none
 */
export async function readRefset(
  custody: Pick<ReadingCustody, 'refset'>,
  vaultId: VaultId,
  { seq, digest }: RefsetEntry,
): Promise<PackIdList> {
  try {
    const packs = await custody.refset(vaultId, seq);
    checkPackIdList(packs);
    if (equalBytes(sha256(...refsetDigestInput(packs)), digest)) return packs;
  } catch (cause) {
    const damaged = cause instanceof CustodyError && (cause.code === 'damaged' || cause.code === 'refused');
    if (!(damaged || cause instanceof MalformedRecordError)) throw cause;
    throw new DamagedError(`read refset of commit ${seq}: ${cause.message}`, { cause });
  }
  throw new DamagedError(`read refset of commit ${seq}: it does not match the digest that was signed`);
}
