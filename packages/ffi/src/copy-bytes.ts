/**
 * Copies between byte arrays of which one is shared memory. The engine's own `set` moves shared bytes one word at a
 * time, because another thread could be looking; where it is known that none is, the C library does it ten times as
 * fast.
 */
import { type NativeFunction, nativeLibrary } from './process.ts';

export type CopyBytes = (target: Uint8Array, source: Uint8Array) => void;

let memmove: NativeFunction | undefined | null = null;

/** Copies all of `source` to the start of `target`, which is at least as long; they may overlap. */
export const copyBytes: CopyBytes = (target, source) => {
  if (memmove === null) memmove = nativeLibrary()?.func('void* memmove(void*, const void*, size_t)');
  if (source.length > target.length)
    throw new RangeError(`copy ${source.length} bytes: there is room for ${target.length}`);
  if (memmove === undefined) target.set(source);
  else memmove(target, source, source.length);
};
