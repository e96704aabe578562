/** Reads file contents in worker threads. Access times are left alone where the system allows it. */
import { type ContentReader, STAT_ROW_WORDS } from '@keephold/engine';
import { AT_EMPTY_PATH, AT_FDCWD, errno, type Libc, libc, openFlags, SEEK_DATA, STATX_ALL } from '@keephold/ffi';
import { readHoles } from '../holes.ts';
import { errorCode } from './error-code.ts';
import { copyStatx } from './list-directory.ts';
import { openLongPath } from './open-long-path.ts';
import { createPortableReader } from './portable-reader.ts';

const PATH_MAX = 4096;
const REGULAR = 0o100000;
const TYPE_MASK = 0o170000;

export function createContentReader(): ContentReader {
  const calls = libc();
  return calls === undefined ? createPortableReader() : new NativeReader(calls);
}

class NativeReader implements ContentReader {
  readonly #libc: Libc;
  readonly #stat = new Uint32Array(64);
  readonly #statBytes = new Uint8Array(this.#stat.buffer);
  readonly #empty = new Uint8Array(1);
  // Not following a link is what keeps a race from reading another file; not blocking is for FIFOs put in its place.
  #flags = openFlags.readOnly | openFlags.noFollow | openFlags.nonBlock | openFlags.closeOnExec | openFlags.noAtime;

  constructor(calls: Libc) {
    this.#libc = calls;
  }

  open(path: Uint8Array): number {
    const handle = this.#openWith(path, this.#flags);
    // Only the owner of a file may ask to leave its access time alone.
    if (handle === -1) return this.#openWith(path, this.#flags & ~openFlags.noAtime);
    return handle;
  }

  stat(handle: number, row: Uint32Array): boolean {
    if (this.#libc.statx(handle, this.#empty, AT_EMPTY_PATH, STATX_ALL, this.#statBytes) < 0) return false;
    if ((this.#stat[7]! & TYPE_MASK) !== REGULAR) return false;
    copyStatx(this.#stat, row.subarray(0, STAT_ROW_WORDS), 0);
    return true;
  }

  read(handle: number, into: Uint8Array, offset: number): number {
    let done = 0;
    while (done < into.length) {
      const rest = done === 0 ? into : into.subarray(done);
      const read = this.#libc.pread(handle, rest, rest.length, offset + done);
      if (read < 0) return read;
      if (read === 0) break;
      done += read;
      // A short read of a regular file is its end; asking again would cost a call for every small file.
      if (done < into.length && read < rest.length) break;
    }
    return done;
  }

  holes(handle: number, size: number): readonly (readonly [number, number])[] {
    return readHoles(handle, size);
  }

  nextData(handle: number, offset: number): number {
    const data = this.#libc.lseek(handle, offset, SEEK_DATA);
    if (data >= 0) return data;
    // ENXIO: no data from here to the end. Anything else: the system cannot tell, so all of it is data.
    return data === -errno.ENXIO ? Number.POSITIVE_INFINITY : offset;
  }

  close(handle: number): void {
    this.#libc.close(handle);
  }

  errorCode(answer: number): string {
    return errorCode(answer);
  }

  #openWith(path: Uint8Array, flags: number): number {
    if (path.length <= PATH_MAX) return this.#libc.openat(AT_FDCWD, path, flags, 0);
    return openLongPath(this.#libc, path.subarray(0, -1), flags);
  }
}
