/**
 * The cached trees of one stream: what the last run left, preceded by what an interrupted run got done after it. Both
 * are in walk order, so each directory is looked for in the newer first.
 */
import type { CachedDirectory, TreeCacheReader } from './tree-cache-reader.ts';

export interface CacheFile {
  readonly path: string;
  readonly reader: TreeCacheReader;
}

export class CachedTrees {
  readonly #files: readonly CacheFile[];
  #found: CacheFile | undefined;

  /** Newest first. */
  constructor(files: readonly CacheFile[]) {
    this.#files = files;
  }

  /** The directory at `path`; paths must be asked in walk order. Valid until `pass` or the next `seek`. */
  seek(path: Uint8Array): CachedDirectory | undefined {
    for (const file of this.#files) {
      const directory = file.reader.seek(path);
      if (directory === undefined) continue;
      this.#found = file;
      return directory;
    }
    return undefined;
  }

  /** File of the directory that seek answered last. */
  get file(): string {
    return this.#found!.path;
  }

  /** Goes past the directory that seek answered last. */
  pass(): void {
    this.#found!.reader.pass();
  }

  close(): void {
    for (const { reader } of this.#files) reader.close();
  }
}
