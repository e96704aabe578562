/**
 * Refsets as chains of deltas, each chain beginning with a full set. Short chains keep lookup bounded; the limits say
 * when the next record is written in full.
 */
import { equalBytes } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto/verify';
import {
  applyRefsetDelta,
  CustodyError,
  EMPTY_PACK_ID_LIST,
  isHashKnown,
  type PackIdList,
  refsetDigestInput,
} from '@keephold/protocol';
import { findingDamage } from '../custody-failure.ts';
import type { ChainStore } from './chain-store.ts';
import type { KeeperRecord } from './keeper-record.ts';

/** At most so many files are read for one refset … */
const LONGEST_CHAIN = 32;
/** … and deltas of at most the size of the set, or this much when the set is small. */
const FREE_DELTA_BYTES = 64 * 1024;
const KEPT_IN_MEMORY = 2;

export interface StoredRefset {
  readonly packs: PackIdList;
  /** Records read to build it. */
  readonly depth: number;
  /** Bytes of the deltas since the full set. */
  readonly deltaBytes: number;
}

/** Commit hash and digest of a seq, as the ledger has them; no digest: the commit itself was lost. */
export type CommitLookup = (
  seq: number,
) => Promise<{ readonly hash: Uint8Array; readonly digest: Uint8Array | undefined } | undefined>;

/** What shows that records are those of their commits: the digest of the set, or the hashes in their names alone. */
type Proof = 'by-digest' | 'by-hash';

const EMPTY: StoredRefset = { packs: EMPTY_PACK_ID_LIST, depth: 0, deltaBytes: 0 };

/** The latest few refsets by seq, kept between transactions: the next commit's base is nearly always the last one. */
export type RecentRefsets = Map<number, StoredRefset>;

export class RefsetStore {
  readonly #chain: ChainStore;
  readonly #lookup: CommitLookup;
  readonly #recent: RecentRefsets;

  constructor(chain: ChainStore, lookup: CommitLookup, recent: RecentRefsets) {
    this.#chain = chain;
    this.#lookup = lookup;
    this.#recent = recent;
  }

  /**
   * The refset committed with `seq`, checked against the commit's digest. Where the commit cannot be read it counts as
   * damaged, or is taken as the records say it, which bear their own checksums.
   * @throws CustodyError 'refused' when the commit has none; 'damaged' when its records are not what was written.
   */
  async load(
    seq: number,
    { unread = 'damaged' }: { readonly unread?: 'damaged' | 'by-record' } = {},
  ): Promise<StoredRefset> {
    const known = this.#recent.get(seq);
    if (known !== undefined) return known;
    const { digest } = await this.#commit(seq);
    if (digest === undefined && unread === 'damaged')
      throw new CustodyError('damaged', `read refset of commit ${seq}: the commit is damaged`);
    const { base, records } = await this.#recordsDownTo(seq, digest === undefined ? 'by-hash' : 'by-digest');
    const refset = records.reduceRight(
      (below, record) => findingDamage(`refset of commit ${record.seq}`, () => extend(below, record)),
      base,
    );
    if (digest === undefined) return refset;
    if (!equalBytes(sha256(...refsetDigestInput(refset.packs)), digest)) {
      throw new CustodyError('damaged', `read refset of commit ${seq}: it does not match the commit's digest`);
    }
    this.remember(seq, refset);
    return refset;
  }

  /** The same as the records tell it, without what the memory of this process knows. */
  asRead(): RefsetStore {
    return new RefsetStore(this.#chain, this.#lookup, new Map());
  }

  async loadBase(seq: number | undefined): Promise<StoredRefset> {
    return seq === undefined ? EMPTY : await this.load(seq);
  }

  remember(seq: number, refset: StoredRefset): void {
    this.#recent.delete(seq);
    this.#recent.set(seq, refset);
    for (const oldest of this.#recent.keys()) {
      if (this.#recent.size <= KEPT_IN_MEMORY) break;
      this.#recent.delete(oldest);
    }
  }

  /** Down to a full set, or to one that is in memory. */
  async #recordsDownTo(
    seq: number,
    proof: Proof,
  ): Promise<{ readonly base: StoredRefset; readonly records: KeeperRecord[] }> {
    const records: KeeperRecord[] = [];
    for (let at = seq; at !== 0; ) {
      const known = this.#recent.get(at);
      if (known !== undefined) return { base: known, records };
      const record = await this.#record(at, proof);
      records.push(record);
      at = record.baseSeq;
    }
    return { base: EMPTY, records };
  }

  async #record(seq: number, proof: Proof): Promise<KeeperRecord> {
    const { hash } = await this.#commit(seq);
    // Which of several is right the digest of what is built on it tells; without that it may be one of no commit.
    if (proof === 'by-digest' && !isHashKnown(hash)) return await this.#chain.readAnyRecord(seq);
    return await this.#chain.readRecord(seq, hash);
  }

  async #commit(seq: number): Promise<NonNullable<Awaited<ReturnType<CommitLookup>>>> {
    const found = await this.#lookup(seq);
    if (found === undefined) throw new CustodyError('refused', `read refset of commit ${seq}: it has none`);
    return found;
  }
}

function extend(base: StoredRefset, record: KeeperRecord): StoredRefset {
  const delta = { parentSeq: undefined, added: record.added, removed: record.removed };
  const same = delta.added.length === 0 && delta.removed.length === 0;
  // The first of a chain is a set in order already; many others change nothing.
  const packs = record.baseSeq === 0 ? record.added : same ? base.packs : applyRefsetDelta(base.packs, delta);
  const own = record.baseSeq === 0 ? 0 : record.added.length + record.removed.length;
  return { packs, depth: base.depth + 1, deltaBytes: base.deltaBytes + own };
}

/** How to write down a refset that is `base` with a delta applied: as that delta, or in full. */
export function storedForm(
  base: StoredRefset,
  delta: { readonly baseSeq: number; readonly added: PackIdList; readonly removed: PackIdList },
  packs: PackIdList,
): { readonly form: Pick<KeeperRecord, 'baseSeq' | 'added' | 'removed'>; readonly refset: StoredRefset } {
  const deltaBytes = base.deltaBytes + delta.added.length + delta.removed.length;
  const full =
    delta.baseSeq === 0 || base.depth >= LONGEST_CHAIN || deltaBytes > Math.max(FREE_DELTA_BYTES, packs.length);
  return full
    ? {
        form: { baseSeq: 0, added: packs, removed: EMPTY_PACK_ID_LIST },
        refset: { packs, depth: 1, deltaBytes: 0 },
      }
    : { form: delta, refset: { packs, depth: base.depth + 1, deltaBytes } };
}
