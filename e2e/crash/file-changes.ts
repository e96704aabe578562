/** Counts the changes beneath a folder as the system tells of them; how many that are for one run is not always the same. */
import { type FSWatcher, watch } from 'node:fs';

export class FileChanges implements Disposable {
  readonly #watcher: FSWatcher;
  readonly #waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  #count = 0;

  constructor(folder: string) {
    this.#watcher = watch(folder, { recursive: true }, () => this.#changed());
    // What is removed while it is looked for has changed as well.
    this.#watcher.on('error', () => this.#changed());
  }

  get count(): number {
    return this.#count;
  }

  async reached(count: number): Promise<void> {
    if (this.#count >= count) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ count, resolve });
    await promise;
  }

  [Symbol.dispose](): void {
    this.#watcher.close();
  }

  #changed(): void {
    this.#count += 1;
    for (const { count, resolve } of this.#waiting) if (this.#count >= count) resolve();
  }
}
