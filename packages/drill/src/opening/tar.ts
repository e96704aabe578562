/**
 * Lists a tar archive to its end, from a stream: every header with its checksum, every entry with all of its bytes. It
 * must never keep more of an entry than the few records that change how the next one is read.
 */
import { BrokenFileError } from '../errors.ts';
import { type FileBytes, pieces } from './file-bytes.ts';
import type { Done } from './opened.ts';
import { isMapContinued, parseTarHeader, TAR_BLOCK } from './tar-header.ts';

/** Longest extended header that is looked into; real ones have some hundred bytes. */
const MAX_RECORDS = 1 << 16;

export class TarList {
  entries = 0;
  readonly #block = new Uint8Array(TAR_BLOCK);
  #filled = 0;
  /** Bytes of the entry at hand that are still to come, padding included. */
  #left = 0;
  /** Of an extended header: its records so far. */
  #records: Uint8Array[] | undefined;
  #recordBytes = 0;
  /** Size of the next entry, from an extended header. */
  #nextSize: number | undefined;
  /** Blocks of a sparse map stand between header and content. */
  #inMap = false;
  #ended = false;
  #at = 0;

  /** @throws BrokenFileError */
  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length && !this.#ended; ) {
      const taken =
        this.#left > 0 && !this.#inMap ? this.#content(bytes.subarray(at)) : this.#header(bytes.subarray(at));
      at += taken;
      this.#at += taken;
    }
  }

  /** @throws BrokenFileError */
  end(): void {
    if (this.#ended || (this.#left === 0 && !this.#inMap && this.#filled === 0 && this.entries > 0)) return;
    throw new BrokenFileError(`the archive ends within entry ${this.entries}`);
  }

  #content(bytes: Uint8Array): number {
    const taken = Math.min(this.#left, bytes.length);
    if (this.#records !== undefined && this.#recordBytes < MAX_RECORDS) {
      this.#records.push(bytes.slice(0, Math.min(taken, MAX_RECORDS - this.#recordBytes)));
      this.#recordBytes += taken;
    }
    this.#left -= taken;
    if (this.#left === 0) this.#finishRecords();
    return taken;
  }

  #header(bytes: Uint8Array): number {
    const taken = Math.min(TAR_BLOCK - this.#filled, bytes.length);
    this.#block.set(bytes.subarray(0, taken), this.#filled);
    this.#filled += taken;
    if (this.#filled < TAR_BLOCK) return taken;
    this.#filled = 0;
    if (this.#inMap) this.#inMap = isMapContinued(this.#block);
    else if (this.#block.every((byte) => byte === 0)) this.#ended = true;
    else this.#enter();
    return taken;
  }

  #enter(): void {
    const header = parseTarHeader(this.#block);
    if (header === undefined) {
      const start = this.#at - (this.#at % TAR_BLOCK);
      throw new BrokenFileError(`the header of entry ${this.entries + 1}, at byte ${start}, is wrong`);
    }
    const isExtended = header.type === 'x' || header.type === 'g';
    const size = isExtended ? header.size : (this.#nextSize ?? header.size);
    this.#left = Math.ceil(size / TAR_BLOCK) * TAR_BLOCK;
    this.#inMap = header.isContinued;
    if (!isExtended) {
      this.entries++;
      this.#nextSize = undefined;
    } else if (header.type === 'x' && this.#left > 0) {
      this.#records = [];
      this.#recordBytes = 0;
    }
  }

  #finishRecords(): void {
    if (this.#records === undefined) return;
    const text = Buffer.concat(this.#records).toString('latin1');
    this.#records = undefined;
    const size = /^\d+ size=(\d{1,15})$/m.exec(text)?.[1];
    this.#nextSize = size === undefined ? undefined : Number(size);
  }
}

export function openTar(file: FileBytes): Done {
  const list = new TarList();
  for (const piece of pieces(file, 0, file.size)) list.push(piece);
  list.end();
  return { did: tarText(list), toTheEnd: true };
}

export function tarText({ entries }: TarList): string {
  return `listed ${entries === 1 ? '1 entry' : `${entries} entries`}, each header's checksum right and all of its bytes there`;
}
