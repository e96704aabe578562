/**
 * What the keeper writes beside a commit (format.md §10): when it received it, the refset as a delta, and the list
 * behind packsDigest. One file a commit of types 1, 2, 3 and 5; with the chain it is all that is needed to rebuild the
 * ledger.
 *
 * ```
 * 0  4 "KHRF"       4  1 version = 1   5  3 zero    8  8 seq u64    16 8 receivedAt u64, unix milliseconds
 * 24 8 baseSeq u64, 0: the empty set   32 4 added   36 4 removed    40 4 packs       44 4 zero
 * 48 … added × 32 ‖ removed × 32 ‖ packs × 32, then SHA-256 of all before
 * ```
 */
import { concatBytes, equalBytes, readU32, readU64, utf8Encode, writeU32, writeU64 } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto/verify';
import { checkPackIdList, MalformedRecordError, type PackIdList } from '@keephold/protocol';

const MAGIC = utf8Encode('KHRF');
const VERSION = 1;
const HEADER = 48;
const HASH = 32;

export interface KeeperRecord {
  readonly seq: number;
  readonly receivedAt: number;
  /** The commit whose refset the delta is against; 0: the empty set. */
  readonly baseSeq: number;
  readonly added: PackIdList;
  readonly removed: PackIdList;
  /** The list behind the commit's packsDigest. */
  readonly packs: PackIdList;
}

export function encodeKeeperRecord(record: KeeperRecord): Uint8Array {
  const header = new Uint8Array(HEADER);
  header.set(MAGIC);
  header[4] = VERSION;
  writeU64(header, 8, BigInt(record.seq));
  writeU64(header, 16, BigInt(record.receivedAt));
  writeU64(header, 24, BigInt(record.baseSeq));
  writeU32(header, 32, record.added.length / HASH);
  writeU32(header, 36, record.removed.length / HASH);
  writeU32(header, 40, record.packs.length / HASH);
  const parts = [header, record.added, record.removed, record.packs];
  return concatBytes(...parts, sha256(...parts));
}

/** @throws MalformedRecordError on anything but what `encodeKeeperRecord` wrote for `seq`. */
export function parseKeeperRecord(bytes: Uint8Array, seq: number): KeeperRecord {
  if (bytes.length < HEADER + HASH) throw malformed(`${bytes.length} bytes`);
  const end = bytes.length - HASH;
  if (!equalBytes(sha256(bytes.subarray(0, end)), bytes.subarray(end))) throw malformed('the checksum is wrong');
  if (!equalBytes(bytes.subarray(0, 4), MAGIC) || bytes[4] !== VERSION) throw malformed('not version 1');
  const zeros = bytes[5] === 0 && bytes[6] === 0 && bytes[7] === 0 && readU32(bytes, 44) === 0;
  if (!zeros) throw malformed('a reserved byte is not zero');
  const counts = [readU32(bytes, 32), readU32(bytes, 36), readU32(bytes, 40)] as const;
  if (HEADER + HASH * (counts[0] + counts[1] + counts[2]) !== end) throw malformed('the length does not fit');
  const removedAt = HEADER + HASH * counts[0];
  const packsAt = removedAt + HASH * counts[1];
  const record = {
    seq: safeNumber(readU64(bytes, 8)),
    receivedAt: safeNumber(readU64(bytes, 16)),
    baseSeq: safeNumber(readU64(bytes, 24)),
    added: bytes.subarray(HEADER, removedAt),
    removed: bytes.subarray(removedAt, packsAt),
    packs: bytes.subarray(packsAt, end),
  };
  if (record.seq !== seq || record.baseSeq >= seq) throw malformed(`it is for commit ${record.seq}`);
  for (const list of [record.added, record.removed, record.packs]) checkPackIdList(list);
  return record;
}

function safeNumber(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw malformed('a number is out of range');
  return Number(value);
}

function malformed(cause: string): MalformedRecordError {
  return new MalformedRecordError(`read keeper record: ${cause}`);
}
