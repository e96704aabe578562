/** Opens absolute paths of any length: longer ones than the system takes are walked in pieces. */
import { AT_FDCWD, type Libc, openFlags } from '@keephold/ffi';

const PATH_MAX = 4096;
const SLASH = 0x2f;

/** `path` without NUL at the end; empty is the root. Answers a descriptor or −errno. */
export function openLongPath(libc: Libc, path: Uint8Array, flags: number): number {
  if (path.length < PATH_MAX - 1)
    return libc.openat(AT_FDCWD, withNul(path.length === 0 ? new Uint8Array([SLASH]) : path), flags, 0);
  let from = 0;
  let directory = AT_FDCWD;
  while (path.length - from >= PATH_MAX - 1) {
    const slash = path.subarray(0, from + PATH_MAX - 2).lastIndexOf(SLASH);
    const next = libc.openat(
      directory,
      withNul(path.subarray(from, slash)),
      openFlags.path | openFlags.directory | openFlags.closeOnExec,
      0,
    );
    if (directory !== AT_FDCWD) libc.close(directory);
    if (next < 0) return next;
    directory = next;
    from = slash + 1;
  }
  const opened = libc.openat(directory, withNul(path.subarray(from)), flags, 0);
  if (directory !== AT_FDCWD) libc.close(directory);
  return opened;
}

function withNul(path: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(path.length + 1);
  bytes.set(path);
  return bytes;
}
