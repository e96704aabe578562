/**
 * A log that never grows beyond its bound: lines go into `PATH`; when that is full it becomes `PATH.1`, what that was
 * becomes `PATH.2`, and the oldest goes. One process writes; any may read. For its user alone.
 */
import { appendFileSync, closeSync, fstatSync, openSync, readFileSync, readSync, renameSync, rmSync } from 'node:fs';

export interface LogBounds {
  /** Bytes of each file. */
  readonly fileBytes: number;
  /** With the one that is written. */
  readonly files: number;
}

/** Some years of an agent that does what it should, some weeks of one in trouble. */
export const usualBounds: LogBounds = { fileBytes: 256 * 1024, files: 4 };
const LONGEST_LINE = 2000;
const LINE_END = 0x0a;

export class RotatingLog {
  readonly #path: string;
  readonly #bounds: LogBounds;

  constructor(path: string, bounds: LogBounds = usualBounds) {
    this.#path = path;
    this.#bounds = bounds;
  }

  /** One line, whatever is in the text; the end of a very long one is cut. @throws what the system says */
  append(text: string): void {
    const line = Buffer.from(`${text.slice(0, LONGEST_LINE).replace(/[\r\n]+/g, ' ')}\n`);
    const { size, isWhole } = this.#newest();
    if (size > 0 && size + line.length + 1 > this.#bounds.fileBytes) this.#rotate();
    // A crash, or a full disk, may have left the beginning of a line.
    const isClean = isWhole || size + line.length + 1 > this.#bounds.fileBytes;
    appendFileSync(this.#path, isClean ? line : Buffer.concat([Buffer.of(LINE_END), line]), { mode: 0o600 });
  }

  /** Oldest first. */
  lines(): readonly string[] {
    return this.#names()
      .toReversed()
      .flatMap((name) => contentOf(name).split('\n'))
      .filter((line) => line !== '');
  }

  remove(): void {
    for (const name of this.#names()) rmSync(name, { force: true });
  }

  #names(): readonly string[] {
    return Array.from({ length: this.#bounds.files }, (_, i) => (i === 0 ? this.#path : `${this.#path}.${i}`));
  }

  #newest(): { readonly size: number; readonly isWhole: boolean } {
    let handle: number;
    try {
      handle = openSync(this.#path, 'r');
    } catch (error) {
      if (isMissing(error)) return { size: 0, isWhole: true };
      throw error;
    }
    try {
      const { size } = fstatSync(handle);
      const last = Buffer.alloc(1);
      if (size > 0) readSync(handle, last, 0, 1, size - 1);
      return { size, isWhole: size === 0 || last[0] === LINE_END };
    } finally {
      closeSync(handle);
    }
  }

  #rotate(): void {
    const names = this.#names();
    for (let i = names.length - 1; i > 0; i--) moveIfThere(names[i - 1]!, names[i]!);
    if (names.length === 1) rmSync(this.#path, { force: true });
  }
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return '';
    throw error;
  }
}

function moveIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
