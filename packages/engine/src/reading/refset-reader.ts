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
  type WritingCustody,
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

export interface NeededPacks {
  /** Packs that snapshots need together, as far as their refsets can be read; sorted. */
  readonly packs: PackIdList;
  /** Whether some refset cannot be read. */
  readonly isPart: boolean;
}

/** What the snapshots of a log need together. */
export async function readNeededPacks(
  custody: Pick<ReadingCustody, 'refset'>,
  { vaultId, snapshots }: Pick<CommitLog, 'vaultId' | 'snapshots'>,
): Promise<NeededPacks> {
  let packs: PackIdList = EMPTY_PACK_ID_LIST;
  let isPart = false;
  for (const { refset } of snapshots) {
    try {
      packs = unionPackIds(packs, await readRefset(custody, vaultId, refset));
    } catch (error) {
      if (!(error instanceof DamagedError)) throw error;
      isPart = true;
    }
  }
  return { packs, isPart };
}

/** What a repository is read through; where the keeper tells which packs are there, more is found in case of need. */
export type RepositoryCustody = ReadingCustody & Partial<Pick<WritingCustody, 'referablePacks'>>;

/** Packs that may hold what snapshots need: where a refset cannot be read, all that are there. */
export async function readPossiblePacks(
  custody: Pick<RepositoryCustody, 'refset' | 'referablePacks'>,
  log: Pick<CommitLog, 'vaultId' | 'snapshots'>,
): Promise<PackIdList> {
  const { packs, isPart } = await readNeededPacks(custody, log);
  if (!isPart || custody.referablePacks === undefined) return packs;
  return unionPackIds(packs, await custody.referablePacks(log.vaultId));
}
