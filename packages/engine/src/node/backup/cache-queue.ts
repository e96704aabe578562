/**
 * Directories finish in any order; their records must stand in walk order. This queue puts them in order. New records
 * go to a file of their own until their packs are known; of unchanged ones it keeps only where they stand in the old
 * cache.
 */
import { TreeCacheWriter } from '../tree-cache/tree-cache-writer.ts';

/** A record as encodeDirectory made it, or a stretch of an old cache, by its descriptor. */
export type CacheItem =
  | { readonly kind: 'record'; readonly bytes: Uint8Array }
  | { readonly kind: 'old'; readonly file: number; readonly from: number; readonly length: number };

/** Records one after the other: in the file of pending records, or in an old cache, by its descriptor. */
export interface Stretch {
  readonly file: number | 'pending';
  readonly from: number;
  length: number;
}

export class CacheQueue {
  readonly #path: string;
  #writer: TreeCacheWriter | undefined;
  readonly #ready = new Map<number, CacheItem>();
  #next = 0;
  #stretches: Stretch[] = [];

  /** The file is made when there is a record that no old cache has. */
  constructor(path: string) {
    this.#path = path;
  }

  put(sequence: number, item: CacheItem): void {
    this.#ready.set(sequence, item);
    for (let ready = this.#ready.get(this.#next); ready !== undefined; ready = this.#ready.get(this.#next)) {
      this.#ready.delete(this.#next++);
      this.#emit(ready);
    }
  }

  /** Records that are done and wait for one before them, in order. */
  *waiting(): Generator<Uint8Array> {
    for (const sequence of [...this.#ready.keys()].sort((a, b) => a - b)) {
      const item = this.#ready.get(sequence)!;
      if (item.kind === 'record') yield item.bytes;
    }
  }

  /** What stands in order since the last call; pending records are in the file by then. */
  take(): readonly Stretch[] {
    this.#writer?.flush();
    const stretches = this.#stretches;
    this.#stretches = [];
    return stretches;
  }

  close(): void {
    this.#writer?.close();
  }

  #emit(item: CacheItem): void {
    if (item.kind === 'old') return this.#extend(item.file, item.from, item.length);
    this.#writer ??= new TreeCacheWriter(this.#path);
    const from = this.#writer.length;
    this.#writer.append(item.bytes);
    this.#extend('pending', from, item.bytes.length);
  }

  #extend(file: Stretch['file'], from: number, length: number): void {
    const last = this.#stretches.at(-1);
    if (last?.file === file && last.from + last.length === from) last.length += length;
    else this.#stretches.push({ file, from, length });
  }
}
