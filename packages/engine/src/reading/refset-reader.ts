/** The packs that a snapshot needs, checked against the digest that was signed (format.md §7). */
import { equalBytes } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto';
import {
  CustodyError,
  checkPackIdList,
  EMPTY_PACK_ID_LIST,
  MalformedRecordError,
  type PackIdList,
  type ReadingCustody,
  refsetDigestInput,
  unionPackIds,
  type VaultId,
} from '@keephold/protocol';
import { DamagedError } from '../errors.ts';
import type { CommitLog, RefsetEntry } from './commit-log.ts';

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

/** Packs that the snapshots of a log need together, as far as their refsets can be read; sorted. */
export async function readNeededPacks(
  custody: Pick<ReadingCustody, 'refset'>,
  { vaultId, snapshots }: Pick<CommitLog, 'vaultId' | 'snapshots'>,
): Promise<PackIdList> {
  let needed: PackIdList = EMPTY_PACK_ID_LIST;
  for (const { refset } of snapshots) {
    try {
      needed = unionPackIds(needed, await readRefset(custody, vaultId, refset));
    } catch (error) {
      if (!(error instanceof DamagedError)) throw error;
    }
  }
  return needed;
}
