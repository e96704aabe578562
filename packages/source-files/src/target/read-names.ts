/** Names in a directory, through a handle opened for reading. */
import { checked, type Libc, readDirectoryEntries } from '@keephold/ffi';

const BUFFER_SIZE = 64 * 1024;

/** Raw bytes, any order, without '.' and '..'. `path` is for the error only. */
export function readNames(libc: Libc, fd: number, path?: Uint8Array): Uint8Array[] {
  const buffer = new Uint8Array(BUFFER_SIZE);
  const names: Uint8Array[] = [];
  for (;;) {
    const length = checked(libc.getdents64(fd, buffer), 'getdents64', path);
    if (length === 0) return names;
    readDirectoryEntries(buffer, length, (name) => names.push(name));
  }
}
