/**
 * The tree cache of one stream over a run: opens what earlier runs left, collects this run's records, and after each
 * commit makes them count.
 *
 * Files: `tree-<stream>` after a complete backup, `.part` what an interrupted run got done, `.next` what is being
 * written, `.pending` records of this run that wait for a commit.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { equalBytes, toHex } from '@keephold/bytes';
import { CacheQueue } from '../backup/cache-queue.ts';
import { readNumbering } from '../known-blobs/known-table-file.ts';
import { CachedTrees } from './cached-trees.ts';
import { resolvePlaces } from './resolve-places.ts';
import {
  HEAD_BYTES,
  isCacheOf,
  readTreeCacheHead,
  removeFile,
  replaceFile,
  type TreeCacheHead,
  writeTreeCacheHead,
} from './tree-cache-file.ts';
import { TreeCacheReader } from './tree-cache-reader.ts';
import { TreeCacheWriter } from './tree-cache-writer.ts';

export class StreamCache {
  /** Head of the last complete backup. */
  readonly head: TreeCacheHead | undefined;
  readonly trees: CachedTrees;
  readonly records: CacheQueue;
  readonly #path: string;
  readonly #hadPart: boolean;
  readonly #numbering: Uint8Array | undefined;
  #output: { path: string; readonly writer: TreeCacheWriter } | undefined;
  #resolved = 0;

  constructor(folder: string, vaultId: Uint8Array, streamId: Uint8Array) {
    this.#path = join(folder, `tree-${toHex(streamId)}`);
    const head = readTreeCacheHead(this.#path);
    const part = readTreeCacheHead(`${this.#path}.part`);
    this.#numbering = readNumbering(folder);
    const isOurs = (found: TreeCacheHead | undefined): found is TreeCacheHead =>
      found !== undefined &&
      this.#numbering !== undefined &&
      isCacheOf(found, { vaultId, streamId, numbering: this.#numbering });
    this.head = isOurs(head) ? head : undefined;
    this.#hadPart = isOurs(part);
    const readers: TreeCacheReader[] = [];
    if (isOurs(part)) readers.push(openCache(`${this.#path}.part`, part));
    if (this.head !== undefined) readers.push(openCache(this.#path, this.head));
    this.trees = new CachedTrees(readers);
    this.records = new CacheQueue(`${this.#path}.pending`);
  }

  /** Whether an unchanged walk proves that the last snapshot still says everything. */
  get isSingle(): boolean {
    return this.head !== undefined && !this.#hadPart;
  }

  /**
   * Whether the numbers of packs in the trees are of this numbering. When there were no trees, any will do.
   */
  isNumberedBy(numbering: Uint8Array): boolean {
    const hasTrees = this.head !== undefined || this.#hadPart;
    return !hasTrees || (this.#numbering !== undefined && equalBytes(this.#numbering, numbering));
  }

  /** Once the packs of all records so far are known; then keepPart or complete, when those packs count. */
  resolve(packOf: (recordNumber: number) => number): void {
    const end = this.records.flush();
    this.#output ??= this.#create();
    const { writer } = this.#output;
    if (end > this.#resolved)
      forEachRecord(`${this.#path}.pending`, this.#resolved, end, (record) =>
        writer.append(resolvePlaces(record, packOf)),
      );
    this.#resolved = end;
  }

  /** After a checkpoint was committed: what is in order so far counts from now on. */
  keepPart(head: Omit<TreeCacheHead, 'end'>): void {
    const output = this.#output!;
    output.writer.flush();
    writeTreeCacheHead(output.path, { ...head, end: output.writer.length });
    replaceFile(output.path, `${this.#path}.part`);
    output.path = `${this.#path}.part`;
  }

  /** After a complete snapshot was committed. */
  complete(head: Omit<TreeCacheHead, 'end'>): void {
    const output = this.#output!;
    output.writer.close();
    writeTreeCacheHead(output.path, { ...head, end: output.writer.length });
    replaceFile(output.path, this.#path);
    this.#output = undefined;
    removeFile(`${this.#path}.part`);
  }

  /** After a snapshot in which nothing changed was committed. */
  unchanged(head: Omit<TreeCacheHead, 'end'>): void {
    writeTreeCacheHead(this.#path, { ...head, end: this.head!.end });
  }

  close(): void {
    this.trees.close();
    this.records.close();
    this.#output?.writer.close();
    removeFile(`${this.#path}.pending`);
    removeFile(`${this.#path}.next`);
  }

  #create(): { path: string; readonly writer: TreeCacheWriter } {
    const path = `${this.#path}.next`;
    const writer = new TreeCacheWriter(path);
    writer.append(new Uint8Array(HEAD_BYTES));
    return { path, writer };
  }
}

function openCache(path: string, head: TreeCacheHead): TreeCacheReader {
  return new TreeCacheReader(path, HEAD_BYTES, head.end);
}

/** Reads whole records through a window that starts each at a multiple of four. */
function forEachRecord(path: string, from: number, end: number, visit: (record: Uint8Array) => void): void {
  const file = openSync(path, 'r');
  try {
    let window = new Uint8Array(1024 * 1024);
    for (let at = from; at < end; ) {
      const wanted = Math.min(window.length, end - at);
      const read = readSync(file, window, 0, wanted, at);
      let done = 0;
      let length = 0;
      while (done + 4 <= read && (length = new Uint32Array(window.buffer, done, 1)[0]!) <= read - done) {
        visit(window.subarray(done, done + length));
        done += length;
      }
      if (done === 0 && read < end - at) window = new Uint8Array(Math.max(length, window.length * 2));
      else if (done === 0) throw new RangeError('tree cache: the file of pending records is cut short');
      at += done;
    }
  } finally {
    closeSync(file);
  }
}
