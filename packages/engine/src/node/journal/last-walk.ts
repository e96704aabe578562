/**
 * What the last complete walk of a stream leaves to the next beside the tree cache, so that one that is told what
 * changed need not look at the rest. It counts for the cache of the same commit only; without it everything is walked.
 *
 *     CBOR [version, commit seq, root tree, snapshot, view, way, full walk, files, directories, other, bytes, [again…]] ‖ CRC-32 u32 (little-endian)
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { type CborValue, decodeCbor, encodeCbor } from '@keephold/bytes';
import type { ObjectName } from '@keephold/protocol';
import { removeFile } from '../tree-cache/tree-cache-file.ts';

const VERSION = 1;
/** Paths of folders that must be looked at again, in one file and in memory: with more, all of it is walked. */
const MOST_AGAIN_BYTES: number = 8 * 1024 * 1024;

export interface LastWalk {
  readonly commitSeq: number;
  readonly rootTree: Uint8Array;
  /** The snapshot that was made of it. */
  readonly snapshot: ObjectName;
  /** What the walk was able and meant to see (JournalOptions). */
  readonly view: Uint8Array;
  /** Digest of what leads to the roots, with the roots themselves (way-to-roots.ts). */
  readonly way: Uint8Array;
  /** Unix milliseconds: when everything was last walked. */
  readonly fullWalk: number;
  readonly files: number;
  readonly directories: number;
  readonly otherEntries: number;
  readonly bytes: number;
  /** Folders that must be listed whatever anybody says of changes (AgainFolders). */
  readonly again: readonly Uint8Array[];
}

/**
 * Collects folders that the next walk must list again: some entry was unreadable, changed while it was read or so lately
 * that a change would not show, or is a hard link, which may be written by a name that nobody watches.
 */
export class AgainFolders {
  readonly #paths = new Map<string, Uint8Array>();
  #bytes = 0;

  add(path: Uint8Array): void {
    const key = Buffer.from(path).toString('latin1');
    if (this.#bytes > MOST_AGAIN_BYTES || this.#paths.has(key)) return;
    this.#bytes += path.length;
    this.#paths.set(key, path.slice());
  }

  /** Undefined when there are too many to be kept. */
  get paths(): readonly Uint8Array[] | undefined {
    return this.#bytes > MOST_AGAIN_BYTES ? undefined : [...this.#paths.values()];
  }
}

export function writeLastWalk(path: string, walk: LastWalk): void {
  const body = encodeCbor([
    VERSION,
    walk.commitSeq,
    walk.rootTree,
    walk.snapshot,
    walk.view,
    walk.way,
    walk.fullWalk,
    walk.files,
    walk.directories,
    walk.otherEntries,
    walk.bytes,
    walk.again,
  ]);
  const check = Buffer.alloc(4);
  check.writeUInt32LE(crc32(body));
  writeFileSync(`${path}.new`, Buffer.concat([body, check]), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** Undefined when there is none, or none that can be understood: all of it is a cache. */
export function readLastWalk(path: string): LastWalk | undefined {
  try {
    const bytes = readFileSync(path);
    const body = bytes.subarray(0, -4);
    return bytes.readUInt32LE(body.length) === crc32(body) ? parse(decodeCbor(body)) : undefined;
  } catch {
    return undefined;
  }
}

export function forgetLastWalk(path: string): void {
  removeFile(path);
}

function parse(value: CborValue): LastWalk | undefined {
  if (!Array.isArray(value) || value.length !== 12 || value[0] !== VERSION) return undefined;
  const [, commitSeq, rootTree, snapshot, view, way, fullWalk, files, directories, otherEntries, bytes, again] =
    value as readonly CborValue[];
  const digests = [rootTree, snapshot, view, way];
  const numbers = [commitSeq, fullWalk, files, directories, otherEntries, bytes];
  if (!digests.every(isBytes) || !numbers.every((number) => typeof number === 'number')) return undefined;
  if (!Array.isArray(again) || !again.every(isBytes)) return undefined;
  return {
    commitSeq,
    rootTree,
    snapshot,
    view,
    way,
    fullWalk,
    files,
    directories,
    otherEntries,
    bytes,
    again,
  } as unknown as LastWalk;
}

function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array;
}
