/** The files of a vault's chain and their keeper records. Files only; what they mean is settled elsewhere. */
import type { Backend } from '@keephold/backend';
import { fromHex } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto/verify';
import {
  type Commit,
  CustodyError,
  commitHashInput,
  isHashKnown,
  MalformedRecordError,
  parseCommit,
  type StoredCommit,
  type VaultId,
} from '@keephold/protocol';
import { findingDamage } from '../custody-failure.ts';
import { chainFolder, chainName, recordName, refsetsFolder } from '../layout.ts';
import { encodeKeeperRecord, type KeeperRecord, parseKeeperRecord } from './keeper-record.ts';

/** Records are signed CBOR of at most 16 MiB (format.md §5). */
const MAX_COMMIT = 16 * 1024 * 1024;
const READS_AT_ONCE = 16;
/** How many files after a missing one are looked for before the chain is taken to end there. */
const LARGEST_GAP = 16;
/** Stands for the bytes of a commit whose file is gone while later ones are there: no commit is empty. */
export const NO_BYTES: Uint8Array = new Uint8Array(0);

export function hashOfCommit(bytes: Uint8Array): Uint8Array {
  return sha256(...commitHashInput(bytes));
}

export interface CommitName {
  readonly seq: number;
  readonly hash: Uint8Array;
}

export class ChainStore {
  readonly #backend: Backend;
  readonly #vault: VaultId;

  constructor(backend: Backend, vault: VaultId) {
    this.#backend = backend;
    this.#vault = vault;
  }

  async has(seq: number): Promise<boolean> {
    return (await this.#backend.stat(chainName(this.#vault, seq))) !== undefined;
  }

  async read(seq: number): Promise<Uint8Array | undefined> {
    return await this.#backend.get(chainName(this.#vault, seq), { length: MAX_COMMIT });
  }

  /** The highest seq that there is a file of; 0 when there is none. Reads the whole listing. */
  async last(): Promise<number> {
    let last = 0;
    for await (const { name } of this.#backend.list(chainFolder(this.#vault))) {
      const digits = name.slice(name.lastIndexOf('/') + 1);
      if (/^[0-9]{10}$/.test(digits)) last = Math.max(last, Number(digits));
    }
    return last;
  }

  /**
   * Commits with seq > sinceSeq up to the end of the chain, which is not before `atLeast`. A file that is gone while
   * later ones are there is yielded as NO_BYTES: a hole must not be taken for the end.
   */
  async *since(sinceSeq: number, atLeast = 0): AsyncGenerator<StoredCommit> {
    for (let first = sinceSeq + 1; ; first += READS_AT_ONCE) {
      const batch = await Promise.all(
        Array.from({ length: READS_AT_ONCE }, async (_, index) => await this.read(first + index)),
      );
      for (const [index, bytes] of batch.entries()) {
        const seq = first + index;
        if (bytes === undefined && seq > atLeast && !(await this.#goesOnAfter(seq))) return;
        yield { seq, bytes: bytes ?? NO_BYTES };
      }
    }
  }

  async #goesOnAfter(seq: number): Promise<boolean> {
    const next = Array.from({ length: LARGEST_GAP }, async (_, index) => await this.has(seq + 1 + index));
    return (await Promise.all(next)).includes(true);
  }

  /** The commit point: exactly one caller in the world appends a seq. */
  async append(seq: number, bytes: Uint8Array): Promise<'created' | 'exists'> {
    return await this.#backend.putNew(chainName(this.#vault, seq), bytes);
  }

  /** Puts right a commit whose file is damaged or gone; the caller has proven the bytes. */
  async replace(seq: number, bytes: Uint8Array): Promise<void> {
    await this.#backend.put(chainName(this.#vault, seq), bytes);
  }

  async writeRecord(record: KeeperRecord, commitHash: Uint8Array): Promise<void> {
    // A crash between record and commit leaves a record that the same commit, tried again, replaces.
    await this.#backend.put(recordName(this.#vault, record.seq, commitHash), encodeKeeperRecord(record));
  }

  /** The records of these commits, in their order; some are read ahead. Throws as `readRecord`. */
  async *records(commits: readonly CommitName[]): AsyncGenerator<KeeperRecord> {
    yield* readingAhead(commits, async ({ seq, hash }) => await this.readRecord(seq, hash));
  }

  /** The same for those who can do without one: undefined stands for a record that is not what was written. */
  async *readableRecords(commits: readonly CommitName[]): AsyncGenerator<KeeperRecord | undefined> {
    yield* readingAhead(commits, async ({ seq, hash }) => await unlessDamaged(this.readRecord(seq, hash)));
  }

  /**
   * The record of a commit of which not even the hash is known, when there is one that is whole.
   * @throws CustodyError 'damaged'
   */
  async readAnyRecord(seq: number): Promise<KeeperRecord> {
    const folder = refsetsFolder(this.#vault);
    for await (const { name } of this.#backend.list(folder)) {
      const [digits = '', hash = ''] = name.slice(folder.length + 1).split('-');
      if (Number(digits) !== seq || !/^[0-9a-f]{32}$/.test(hash)) continue;
      const record = await unlessDamaged(this.readRecord(seq, fromHex(hash)));
      if (record !== undefined) return record;
    }
    throw new CustodyError('damaged', `read keeper record of commit ${seq}: none is whole`);
  }

  /** Whether it is known what a commit needs that cannot be read itself. */
  async hasReadableRecord({ seq, hash }: CommitName): Promise<boolean> {
    return isHashKnown(hash) && (await unlessDamaged(this.readRecord(seq, hash))) !== undefined;
  }

  /** @throws CustodyError 'damaged' when it is not there or not what was written. */
  async readRecord(seq: number, commitHash: Uint8Array): Promise<KeeperRecord> {
    const name = recordName(this.#vault, seq, commitHash);
    const bytes = await this.#backend.get(name);
    if (bytes === undefined)
      throw new CustodyError('damaged', `read keeper record of commit ${seq}: ${name} is missing`);
    return findingDamage(name, () => parseKeeperRecord(bytes, seq));
  }
}

async function* readingAhead<T>(
  commits: readonly CommitName[],
  read: (commit: CommitName) => Promise<T>,
): AsyncGenerator<T> {
  for (let at = 0; at < commits.length; at += READS_AT_ONCE) {
    yield* await Promise.all(commits.slice(at, at + READS_AT_ONCE).map(read));
  }
}

/** Undefined where the bytes are no commit. Its signature is another matter. */
export function commitIn(bytes: Uint8Array): Commit | undefined {
  try {
    return parseCommit(bytes).commit;
  } catch (error) {
    if (error instanceof MalformedRecordError) return undefined;
    throw error;
  }
}

/** Undefined for what turns out to be damaged. */
export async function unlessDamaged<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof CustodyError && error.code === 'damaged') return undefined;
    throw error;
  }
}
