/**
 * Random access to a file that is judged. Its bytes are hostile: every read is bounded, and one beyond the end is the
 * answer that the file is cut short.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { BrokenFileError } from '../errors.ts';

/** The longest single read. */
export const MAX_READ: number = 1 << 20;
/** Pieces in which longer parts are gone through. */
const PIECE = 1 << 18;

export interface FileBytes {
  readonly size: number;
  /**
   * Bytes of the file, at most MAX_READ; they belong to the caller.
   * @throws BrokenFileError when the file ends before
   */
  read(offset: number, length: number): Uint8Array;
}

/** Bytes in memory, as a file. */
export function bytesAsFile(bytes: Uint8Array): FileBytes {
  return {
    size: bytes.length,
    read(offset, length) {
      requireInside(bytes.length, offset, length);
      // slice of a Buffer is no copy.
      return new Uint8Array(bytes.subarray(offset, offset + length));
    },
  };
}

/** Small reads near each other come from one window. */
const WINDOW = 4096;

export class OpenFile implements FileBytes, Disposable {
  readonly size: number;
  readonly #handle: number;
  readonly #window = new Uint8Array(WINDOW);
  #windowStart = 0;
  #windowLength = 0;

  /** @throws what the system answers */
  constructor(path: Uint8Array) {
    this.#handle = openSync(Buffer.from(path), constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
    this.size = fstatSync(this.#handle).size;
  }

  read(offset: number, length: number): Uint8Array {
    requireInside(this.size, offset, length);
    const bytes = new Uint8Array(length);
    if (length > WINDOW / 4) this.#fill(bytes, offset, length);
    else bytes.set(this.#windowed(offset, length));
    return bytes;
  }

  #windowed(offset: number, length: number): Uint8Array {
    if (offset < this.#windowStart || offset + length > this.#windowStart + this.#windowLength) {
      this.#windowLength = 0;
      this.#fill(this.#window, offset, Math.min(WINDOW, this.size - offset));
      this.#windowStart = offset;
      this.#windowLength = Math.min(WINDOW, this.size - offset);
    }
    const at = offset - this.#windowStart;
    return this.#window.subarray(at, at + length);
  }

  #fill(into: Uint8Array, offset: number, length: number): void {
    for (let done = 0; done < length; ) {
      const read = readSync(this.#handle, into, done, length - done, offset + done);
      if (read === 0) throw new BrokenFileError(`it became shorter than ${offset + length} bytes while it was read`);
      done += read;
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#handle);
  }
}

/** The bytes from `offset` on, piece by piece. */
export function* pieces(file: FileBytes, offset: number, length: number): Generator<Uint8Array> {
  for (let at = offset; at < offset + length; at += PIECE) yield file.read(at, Math.min(PIECE, offset + length - at));
}

function requireInside(size: number, offset: number, length: number): void {
  if (length > MAX_READ) throw new BrokenFileError(`a part of it would be ${length} bytes long`);
  if (!(offset >= 0 && length >= 0)) throw new BrokenFileError('it points to a place before its beginning');
  if (offset + length > size)
    throw new BrokenFileError(`it ends at byte ${size}, and should reach to ${offset + length}`);
}
