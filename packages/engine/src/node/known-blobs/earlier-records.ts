/**
 * Pack numbers of records that a commit of this run took out of the arena: a directory that was not finished by then
 * asks for them at the next commit. In a file, for a run may store any number of blobs; it is of no use to other runs.
 */
import { closeSync, openSync, readSync, rmSync } from 'node:fs';
import { writeFully } from './known-table-file.ts';

export class EarlierRecords {
  readonly #path: string;
  readonly #word = new Uint32Array(1);
  readonly #bytes = new Uint8Array(this.#word.buffer);
  #file: number | undefined;
  #records = 0;

  constructor(path: string) {
    this.#path = path;
  }

  add(packs: Uint32Array): void {
    this.#file ??= openSync(this.#path, 'w+', 0o600);
    writeFully(this.#file, new Uint8Array(packs.buffer, packs.byteOffset, packs.byteLength), this.#records * 4);
    this.#records += packs.length;
  }

  packOf(record: number): number {
    if (record >= this.#records || readSync(this.#file!, this.#bytes, 0, 4, record * 4) !== 4)
      throw new RangeError(`known blobs: no record ${record}`);
    return this.#word[0]!;
  }

  close(): void {
    if (this.#file === undefined) return;
    closeSync(this.#file);
    this.#file = undefined;
    rmSync(this.#path, { force: true });
  }
}
