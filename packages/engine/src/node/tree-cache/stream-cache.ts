/**
 * The tree cache of one stream over a run: opens what earlier runs left, collects this run's records, and after each
 * commit makes them count.
 *
 * Files: `tree-<stream>` after a complete backup, `.part` what an interrupted run got done, `.next` what is being
 * written, `.pending` records of this run that wait for a commit; `.walk` what the last walk saw (last-walk.ts).
 */
import { join } from 'node:path';
import { equalBytes, toHex } from '@keephold/bytes';
import { CacheQueue, type Stretch } from '../backup/cache-queue.ts';
import { readNumbering } from '../known-blobs/known-table-file.ts';
import { CachedTrees } from './cached-trees.ts';
import { RecordWindow } from './record-window.ts';
import { resolvePlaces } from './resolve-places.ts';
import { isStanding, type Stands } from './standing-records.ts';
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
  #unresolved: readonly Stretch[] = [];
  #output: { path: string; readonly writer: TreeCacheWriter } | undefined;

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

  /** Of what the last walk leaves to the next (last-walk.ts). */
  get walkPath(): string {
    return `${this.#path}.walk`;
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

  /**
   * Once the packs of all records so far are known; then keepPart or complete, when those packs count. With `stands`
   * only up to the first record that does not: what follows it waits for the next time.
   */
  resolve(packOf: (recordNumber: number) => number, stands?: Stands): void {
    const stretches = this.#takeUnresolved();
    this.#output ??= this.#create();
    const { writer } = this.#output;
    using window = this.#windowFor(stretches);
    for (const [i, { file, from, length }] of stretches.entries()) {
      if (file !== 'pending') {
        writer.appendFrom(file, from, length);
        continue;
      }
      for (let at = from; at < from + length; ) {
        const record = window!.record(at);
        if (stands !== undefined && !isStanding(record, stands)) {
          this.#unresolved = [{ file, from: at, length: from + length - at }, ...stretches.slice(i + 1)];
          return;
        }
        at += record.length;
        writer.append(resolvePlaces(record, packOf));
      }
    }
  }

  /** Records of this run that no resolve has got to, those below a directory before it. Each valid until the next. */
  *unresolved(): Generator<Uint8Array> {
    this.#unresolved = this.#takeUnresolved();
    using window = this.#windowFor(this.#unresolved);
    for (const { file, from, length } of this.#unresolved) {
      if (file !== 'pending') continue;
      for (let at = from; at < from + length; ) {
        const record = window!.record(at);
        at += record.length;
        yield record;
      }
    }
    yield* this.records.waiting();
  }

  #takeUnresolved(): readonly Stretch[] {
    const stretches = [...this.#unresolved, ...this.records.take()];
    this.#unresolved = [];
    return stretches;
  }

  /** The file is made only when a record is pending. */
  #windowFor(stretches: readonly Stretch[]): RecordWindow | undefined {
    return stretches.some(({ file }) => file === 'pending') ? new RecordWindow(`${this.#path}.pending`) : undefined;
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
