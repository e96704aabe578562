/**
 * The file known-table: its head, by which the other files of the cache are believed or not, then blocks
 * (table-block.ts).
 *
 * ```
 * head (128, padded to the length of a block):
 *   "KHKT" ‖ version u32 ‖ blocks u32 ‖ records u32 ‖ packs u32 ‖ commit seq u64 ‖ commit hash 32 ‖ numbering 16
 *   ‖ SHA-256 of the pack ids 32 ‖ CRC-32 of all before u32 ‖ zeros
 * ```
 * `numbering` is drawn when a cache is begun: numbers of packs mean something only together with it.
 */
import { closeSync, existsSync, fdatasyncSync, openSync, readSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

const TABLE_HEAD_BYTES = 128;
export const NUMBERING_BYTES = 16;
const MAGIC = 0x544b_484b;
const VERSION = 3;
const CHECKED_BYTES = 108;

export interface TableHead {
  readonly blocks: number;
  readonly records: number;
  readonly packs: number;
  readonly coveredSeq: number;
  readonly coveredHash: Uint8Array;
  readonly numbering: Uint8Array;
  readonly packsDigest: Uint8Array;
}

export function tablePath(folder: string): string {
  return join(folder, 'known-table');
}

/** The numbering of packs in use in `folder`; undefined when there is no cache that can be believed. */
export function readNumbering(folder: string): Uint8Array | undefined {
  return readHeadIn(folder)?.numbering;
}

/** Undefined when there is no table whose head is what was written. */
export function readHeadIn(folder: string): TableHead | undefined {
  const path = tablePath(folder);
  if (!existsSync(path)) return undefined;
  const file = openSync(path, 'r');
  try {
    return readTableHead(file);
  } finally {
    closeSync(file);
  }
}

export function readTableHead(file: number): TableHead | undefined {
  const bytes = Buffer.alloc(TABLE_HEAD_BYTES);
  if (readSync(file, bytes, 0, TABLE_HEAD_BYTES, 0) !== TABLE_HEAD_BYTES) return undefined;
  if (bytes.readUInt32LE(0) !== MAGIC || bytes.readUInt32LE(4) !== VERSION) return undefined;
  if (bytes.readUInt32LE(CHECKED_BYTES) !== crc32(bytes.subarray(0, CHECKED_BYTES))) return undefined;
  return {
    blocks: bytes.readUInt32LE(8),
    records: bytes.readUInt32LE(12),
    packs: bytes.readUInt32LE(16),
    coveredSeq: Number(bytes.readBigUInt64LE(20)),
    coveredHash: bytes.subarray(28, 60),
    numbering: bytes.subarray(60, 76),
    packsDigest: bytes.subarray(76, 108),
  };
}

export function encodeTableHead(head: TableHead): Uint8Array {
  const bytes = Buffer.alloc(TABLE_HEAD_BYTES);
  [MAGIC, VERSION, head.blocks, head.records, head.packs].forEach((value, i) => bytes.writeUInt32LE(value, i * 4));
  bytes.writeBigUInt64LE(BigInt(head.coveredSeq), 20);
  bytes.set(head.coveredHash.subarray(0, 32), 28);
  bytes.set(head.numbering, 60);
  bytes.set(head.packsDigest, 76);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, CHECKED_BYTES)), CHECKED_BYTES);
  return bytes;
}

/** Fills `into` from `position` on; false when the file ends before. */
export function readFully(file: number, into: Uint8Array, position: number): boolean {
  let done = 0;
  while (done < into.length) {
    const read = readSync(file, into, done, Math.min(into.length - done, 1 << 30), position + done);
    if (read === 0) return false;
    done += read;
  }
  return true;
}

/** Replaces a file as a whole, durably. */
export function writeWhole(path: string, parts: readonly Uint8Array[]): void {
  const temporary = `${path}.new`;
  const file = openSync(temporary, 'w', 0o600);
  try {
    let at = 0;
    for (const part of parts) {
      writeFully(file, part, at);
      at += part.length;
    }
    fdatasyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
}

export function writeFully(file: number, bytes: Uint8Array, position: number): void {
  let done = 0;
  while (done < bytes.length) done += writeSync(file, bytes, done, bytes.length - done, position + done);
}
