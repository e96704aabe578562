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
  type RecordedDelta,
  type RestatedRefset,
  refsetDigestInput,
  type UnknownRefset,
} from '@keephold/protocol';
import { commitIn, unlessDamaged } from '../chain/chain-store.ts';
import { refusingMalformed } from '../custody-failure.ts';
import { isKept, type VaultTransaction } from '../ledger/vault-transaction.ts';

/** The oldest first. What the memory of this process still knows counts for nothing: it goes with the process. */
export async function unknownRefsets(transaction: VaultTransaction): Promise<readonly UnknownRefset[]> {
  const refsets = transaction.refsets.asRead();
  const unknown: UnknownRefset[] = [];
  for (const row of await transaction.ledger.commits()) {
    const { seq, kind, parentSeq, refsetDigest: digest } = row;
    if (digest === undefined || !(await isKept(transaction, row)) || (await unlessDamaged(refsets.load(seq)))) continue;
    unknown.push({ seq, snapshot: kind === 'heal' ? parentSeq : seq, digest });
  }
  return unknown;
}

/** What the record of a commit says; undefined when it cannot be read, or there is no such commit. */
export async function recordedDelta(
  { ledger, chain }: VaultTransaction,
  seq: number,
): Promise<RecordedDelta | undefined> {
  const row = await ledger.commit(seq);
  const record = row && (await unlessDamaged(chain.readRecord(seq, row.hash)));
  return record && { added: record.added, removed: record.removed };
}

/** Writes a refset down in full. Answers whether it is the one, and is written. */
export async function restateRefset(
  { ledger, chain, refsets }: VaultTransaction,
  seq: number,
  restated: RestatedRefset,
): Promise<boolean> {
  const { refset } = restated;
  refusingMalformed(() => checkPackIdList(refset));
  const row = await ledger.commit(seq);
  if (row?.refsetDigest === undefined) return false;
  const { hash, receivedAt, refsetDigest } = row;
  if (!equalBytes(sha256(...refsetDigestInput(refset)), refsetDigest)) return false;
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
  const commit = bytes && commitIn(bytes);
  if (commit === undefined || commit.kind === 'keeper-event') return undefined;
  const candidates = [packs, EMPTY_PACK_ID_LIST].filter((list) => list !== undefined);
  return candidates.find((list) => equalBytes(sha256(...packsDigestInput(list)), commit.packsDigest));
}
