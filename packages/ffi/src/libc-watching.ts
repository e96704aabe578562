/**
 * inotify: the kernel tells which entries of watched folders change (inotify(7)). Linux only.
 *
 * struct inotify_event: wd i32 ‖ mask u32 ‖ cookie u32 ‖ length u32 ‖ name, NUL-padded to `length`; little-endian.
 */
import { openFlags } from './libc-constants.ts';
import type { CString } from './libc-strings.ts';
import { nativeLibrary } from './process.ts';

/** All answer `-errno` for a failure. */
export interface WatchCalls {
  /** A handle to read events from; reading waits for one. */
  open(): number;
  /** The number of the watch on what is at `path`; of the one it has already, if it has one. */
  add(handle: number, path: CString, mask: number): number;
  /** Ends with an `ignored` event for the watch. */
  remove(handle: number, watch: number): number;
}

/** linux/inotify.h */
export const watchMask = {
  modify: 0x2,
  attributes: 0x4,
  /** A file that was open for writing is not any more; also when it was a mapping that kept it open. */
  closeWrite: 0x8,
  movedFrom: 0x40,
  movedTo: 0x80,
  create: 0x100,
  delete: 0x200,
  deleteSelf: 0x400,
  moveSelf: 0x800,
  unmount: 0x2000,
  overflow: 0x4000,
  ignored: 0x8000,
  onlyDirectory: 0x100_0000,
  noFollow: 0x200_0000,
  isDirectory: 0x4000_0000,
} as const;

const HEADER_BYTES = 16;

/** Undefined where the C library cannot be called, or has no inotify. */
export function watchCalls(): WatchCalls | undefined {
  if (process.platform !== 'linux') return undefined;
  const library = nativeLibrary();
  const init = library?.func('int inotify_init1(int)');
  const add = library?.func('int inotify_add_watch(int, const void*, uint32_t)');
  const remove = library?.func('int inotify_rm_watch(int, int)');
  if (library === undefined || !init || !add || !remove) return undefined;
  const answer = (result: number | bigint): number => (result < 0 ? -library.errno() : Number(result));
  return {
    open: () => answer(init(openFlags.closeOnExec)),
    add: (handle, path, mask) => answer(add(handle, path, mask)),
    remove: (handle, watch) => answer(remove(handle, watch)),
  };
}

/** Calls back for each event; `name` has one code unit a byte and is empty for the watched folder itself. */
export function readWatchEvents(bytes: Uint8Array, event: (watch: number, mask: number, name: string) => void): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at + HEADER_BYTES <= buffer.length; ) {
    const length = buffer.readUInt32LE(at + 12);
    const nameAt = at + HEADER_BYTES;
    const end = length === 0 ? nameAt : buffer.indexOf(0, nameAt);
    event(buffer.readInt32LE(at), buffer.readUInt32LE(at + 4), buffer.toString('latin1', nameAt, end));
    at = nameAt + length;
  }
}
