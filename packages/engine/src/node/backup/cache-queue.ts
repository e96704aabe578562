/**
 * Directories finish in any order; their records must stand in walk order. This queue puts them in order, and copies
 * runs of unchanged records from the old cache without looking into them.
 */
import { TreeCacheWriter } from '../tree-cache/tree-cache-writer.ts';

/** A record as encodeDirectory made it, or a stretch of an old cache, by its descriptor. */
export type CacheItem =
  | { readonly kind: 'record'; readonly bytes: Uint8Array }
  | { readonly kind: 'old'; readonly file: number; readonly from: number; length: number };

export class CacheQueue {
  readonly #path: string;
  #writer: TreeCacheWriter | undefined;
  readonly #ready = new Map<number, CacheItem>();
  #next = 0;
  #run: Extract<CacheItem, { kind: 'old' }> | undefined;

  /** The file is made when there is something to write that the old cache has not. */
  constructor(path: string) {
    this.#path = path;
  }

  /** Whether any directory is not as it was. */
  get hasChanges(): boolean {
    return this.#writer !== undefined || this.#ready.size > 0;
  }

  put(sequence: number, item: CacheItem): void {
    this.#ready.set(sequence, item);
    for (let ready = this.#ready.get(this.#next); ready !== undefined; ready = this.#ready.get(this.#next)) {
      this.#ready.delete(this.#next++);
      this.#emit(ready);
    }
  }

  /** Everything that stands in order so far is in the file; answers its length. */
  flush(): number {
    this.#endRun();
    this.#writer?.flush();
    return this.#writer?.length ?? 0;
  }

  close(): void {
    this.#writer?.close();
  }

  #emit(item: CacheItem): void {
    if (item.kind === 'record') {
      this.#endRun();
      this.#open().append(item.bytes);
    } else if (
      this.#run !== undefined &&
      this.#run.file === item.file &&
      this.#run.from + this.#run.length === item.from
    ) {
      this.#run.length += item.length;
    } else {
      this.#endRun();
      this.#run = { ...item };
    }
  }

  #open(): TreeCacheWriter {
    this.#writer ??= new TreeCacheWriter(this.#path);
    return this.#writer;
  }

  #endRun(): void {
    const run = this.#run;
    if (run === undefined) return;
    this.#run = undefined;
    this.#open().appendFrom(run.file, run.from, run.length);
  }
}
