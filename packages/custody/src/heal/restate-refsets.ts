/**
 * Refsets of kept snapshots that their records do not tell any more, because one of the records is damaged. Whoever reads
 * the snapshot can find out what it needs; what is written down again is believed for nothing but the digest that the
 * commit signed, so that nobody can make a snapshot need less.
 */
import { equalBytes } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto/verify';
import {
  checkPackIdList,
  EMPTY_PACK_ID_LIST,
  type PackIdList,
  packsDigestInput,
  parseCommit,
  refsetDigestInput,
  type VaultId,
} from '@keephold/protocol';
import { unlessDamaged } from '../chain/chain-store.ts';
import type { KeeperRecord } from '../chain/keeper-record.ts';
import { asCustodyError } from '../custody-failure.ts';
import type { CommitRow } from '../ledger/vault-ledger.ts';
import { isKept, type VaultTransaction } from '../ledger/vault-transaction.ts';
import { openSide, vaultsOf } from './folder-side.ts';

export interface UnknownRefset {
  readonly vault: VaultId;
  /** The commit whose refset it is: a snapshot's, or that of a heal. */
  readonly seq: number;
  /** The snapshot that needs it. */
  readonly snapshot: number;
  /** Of the refset, as the commit signed it. */
  readonly digest: Uint8Array;
  /** Of the commit's own record, where that can be read: packs that are in the refset, and packs that are not. */
  readonly known: Pick<KeeperRecord, 'added' | 'removed'> | undefined;
}

export interface RestatedRefset {
  readonly refset: PackIdList;
  /** The packs behind the commit's packsDigest, where its own record cannot tell them. */
  readonly packs: PackIdList | undefined;
}

/** Of all vaults, the oldest first. */
export async function unknownRefsets(path: string): Promise<readonly UnknownRefset[]> {
  return await withLedger(path, async (side) => {
    const found: UnknownRefset[] = [];
    for (const vault of await vaultsOf(side))
      found.push(...(await side.ledger.read(vault, async (transaction) => await unknownIn(transaction))));
    return found;
  });
}

/** Writes a refset down in full. Answers whether it is the one, and is written. */
export async function restateRefset(
  path: string,
  { vault, seq }: Pick<UnknownRefset, 'vault' | 'seq'>,
  restated: RestatedRefset,
): Promise<boolean> {
  return await withLedger(path, async ({ ledger }) => {
    return await ledger.write(vault, async (transaction) => {
      const row = await transaction.ledger.commit(seq);
      return row !== undefined && (await restate(transaction, row, restated));
    });
  });
}

async function withLedger<T>(
  path: string,
  work: (side: Awaited<ReturnType<typeof openSide>>) => Promise<T>,
): Promise<T> {
  try {
    const side = await openSide(path);
    try {
      return await work(side);
    } finally {
      await side.ledger.close();
    }
  } catch (error) {
    throw asCustodyError(error);
  }
}

async function unknownIn(transaction: VaultTransaction): Promise<readonly UnknownRefset[]> {
  const { vault, chain, refsets } = transaction;
  const unknown: UnknownRefset[] = [];
  for (const row of await transaction.ledger.commits()) {
    const { seq, hash, kind, parentSeq, refsetDigest: digest } = row;
    if (digest === undefined || !(await isKept(transaction, row)) || (await unlessDamaged(refsets.load(seq)))) continue;
    const known = await unlessDamaged(chain.readRecord(seq, hash));
    unknown.push({ vault, seq, snapshot: kind === 'heal' ? parentSeq : seq, digest, known });
  }
  return unknown;
}

async function restate(
  { chain, refsets }: VaultTransaction,
  { seq, hash, receivedAt, refsetDigest }: CommitRow,
  restated: RestatedRefset,
): Promise<boolean> {
  const { refset } = restated;
  checkPackIdList(refset);
  if (refsetDigest === undefined || !equalBytes(sha256(...refsetDigestInput(refset)), refsetDigest)) return false;
  const record = await unlessDamaged(chain.readRecord(seq, hash));
  const packs = record?.packs ?? (await signedPacks({ chain }, seq, restated.packs));
  if (packs === undefined) return false;
  const full = { baseSeq: 0, added: refset, removed: EMPTY_PACK_ID_LIST };
  await chain.writeRecord({ seq, receivedAt: record?.receivedAt ?? receivedAt, ...full, packs }, hash);
  refsets.remember(seq, { packs: refset, depth: 1, deltaBytes: 0 });
  return true;
}

/** The packs, when they are those that the commit names. */
async function signedPacks(
  { chain }: Pick<VaultTransaction, 'chain'>,
  seq: number,
  packs: PackIdList | undefined,
): Promise<PackIdList | undefined> {
  const bytes = await chain.read(seq);
  if (bytes === undefined) return undefined;
  const { commit } = parseCommit(bytes);
  if (commit.kind === 'keeper-event') return undefined;
  const candidates = [packs, EMPTY_PACK_ID_LIST].filter((list) => list !== undefined);
  return candidates.find((list) => equalBytes(sha256(...packsDigestInput(list)), commit.packsDigest));
}
