/**
 * The tree cache of one stream in the vault's cache folder, and the head it starts with. Replaced as a whole after a
 * complete backup; an interrupted run leaves its part beside it. Throwing them away costs reading all files again.
 *
 * ```
 * head (256): "KHTC" ‖ version u32 ‖ end u64 (of the records) ‖ commit seq u64 ‖ vaultId 16 ‖ streamId 16 ‖ root tree 32
 *             ‖ refsetDigest 32 ‖ 8 zero ‖ files u64 ‖ bytes u64
 *             ‖ numbering of packs 16 (known-table-file.ts) ‖ zeros ‖ CRC-32 of all before u32
 * ```
 */
import { closeSync, existsSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { equalBytes } from '@keephold/bytes';

export const HEAD_BYTES = 256;
const MAGIC = 0x4354_484b;
const VERSION = 2;
const CHECKED_BYTES: number = HEAD_BYTES - 4;

export interface TreeCacheHead {
  /** Where the records end. */
  readonly end: number;
  readonly commitSeq: number;
  readonly vaultId: Uint8Array;
  readonly streamId: Uint8Array;
  readonly rootTree: Uint8Array;
  readonly refsetDigest: Uint8Array;
  readonly files: number;
  readonly bytes: number;
  readonly numbering: Uint8Array;
}

export function readTreeCacheHead(path: string): TreeCacheHead | undefined {
  if (!existsSync(path)) return undefined;
  const file = openSync(path, 'r');
  try {
    const head = Buffer.alloc(HEAD_BYTES);
    if (readSync(file, head, 0, HEAD_BYTES, 0) !== HEAD_BYTES) return undefined;
    if (head.readUInt32LE(0) !== MAGIC || head.readUInt32LE(4) !== VERSION) return undefined;
    if (head.readUInt32LE(CHECKED_BYTES) !== crc32(head.subarray(0, CHECKED_BYTES))) return undefined;
    return {
      end: Number(head.readBigUInt64LE(8)),
      commitSeq: Number(head.readBigUInt64LE(16)),
      vaultId: head.subarray(24, 40),
      streamId: head.subarray(40, 56),
      rootTree: head.subarray(56, 88),
      refsetDigest: head.subarray(88, 120),
      files: Number(head.readBigUInt64LE(128)),
      bytes: Number(head.readBigUInt64LE(136)),
      numbering: head.subarray(144, 160),
    };
  } finally {
    closeSync(file);
  }
}

/** Overwrites the head of a cache file. */
export function writeTreeCacheHead(path: string, head: TreeCacheHead): void {
  const bytes = Buffer.alloc(HEAD_BYTES);
  bytes.writeUInt32LE(MAGIC, 0);
  bytes.writeUInt32LE(VERSION, 4);
  bytes.writeBigUInt64LE(BigInt(head.end), 8);
  bytes.writeBigUInt64LE(BigInt(head.commitSeq), 16);
  bytes.set(head.vaultId, 24);
  bytes.set(head.streamId, 40);
  bytes.set(head.rootTree, 56);
  bytes.set(head.refsetDigest, 88);
  bytes.writeBigUInt64LE(BigInt(head.files), 128);
  bytes.writeBigUInt64LE(BigInt(head.bytes), 136);
  bytes.set(head.numbering, 144);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, CHECKED_BYTES)), CHECKED_BYTES);
  const file = openSync(path, 'r+');
  try {
    writeSync(file, bytes, 0, HEAD_BYTES, 0);
  } finally {
    closeSync(file);
  }
}

/** What a cache must be of to be believed. */
export interface CacheIdentity {
  readonly vaultId: Uint8Array;
  readonly streamId: Uint8Array;
  readonly numbering: Uint8Array;
}

export function isCacheOf(head: TreeCacheHead, of: CacheIdentity): boolean {
  return (
    equalBytes(head.vaultId, of.vaultId) &&
    equalBytes(head.streamId, of.streamId) &&
    equalBytes(head.numbering, of.numbering)
  );
}

export function replaceFile(from: string, to: string): void {
  renameSync(from, to);
}

export function removeFile(path: string): void {
  rmSync(path, { force: true });
}
