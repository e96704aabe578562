/**
 * The cached trees of one stream: what the last run left, preceded by what an interrupted run got done after it. Both
 * are in walk order, so each directory is looked for in the newer first.
 */
import type { CachedDirectory, CachedSubtree, TreeCacheReader } from './tree-cache-reader.ts';

export class CachedTrees {
  readonly #readers: readonly TreeCacheReader[];
  #found: TreeCacheReader | undefined;

  /** Newest first. */
  constructor(readers: readonly TreeCacheReader[]) {
    this.#readers = readers;
  }

  /** The directory at `path`; paths must be asked in walk order. Valid until `pass` or the next `seek`. */
  seek(path: Uint8Array): CachedDirectory | undefined {
    for (const reader of this.#readers) {
      const directory = reader.seek(path);
      if (directory === undefined) continue;
      this.#found = reader;
      return directory;
    }
    return undefined;
  }

  /** The directory at `path` with everything below it, out of the newest (TreeCacheReader.passSubtree). */
  passSubtree(path: Uint8Array, see: (directory: CachedDirectory) => void): CachedSubtree | undefined {
    this.#found = this.#readers[0];
    return this.#found?.passSubtree(path, see);
  }

  /** Descriptor of the file of the directory that seek answered last; open until `close`. */
  get file(): number {
    return this.#found!.file;
  }

  /** Goes past the directory that seek answered last. */
  pass(): void {
    this.#found!.pass();
  }

  close(): void {
    for (const reader of this.#readers) reader.close();
  }
}
