/**
 * Calls C functions that are already in this process: the C library, and the OpenSSL and zstd that Node carries. The
 * only place that names koffi (docs/adr/0001-ffi-into-node.md). Nothing is downloaded, compiled or loaded from disk.
 *
 * Where koffi has no build for the platform, or a function is not there, callers get `undefined` and take their
 * slower way through node:crypto, node:zlib or node:fs.
 */
import { createRequire } from 'node:module';
import type { LibraryHandle } from 'koffi';

type Koffi = typeof import('koffi');

export interface NativeLibrary {
  /** The function with this C prototype; undefined when the process has none of that name. */
  func(prototype: string): NativeFunction | undefined;
  /** errno of the last call on this thread. */
  errno(): number;
  /**
   * Where the first byte stands, for structures that hold pointers. Only for memory outside the JavaScript heap, which
   * does not move: shared memory, or buffers of more than 64 bytes. The caller keeps it referenced until after the call.
   */
  addressOf(bytes: ArrayBufferView): number;
}

/** Numbers and bigints pass as integers, byte arrays (shared memory too) as pointers to their first byte. */
export type NativeFunction = (...args: readonly NativeArgument[]) => number | bigint;
export type NativeArgument = number | bigint | ArrayBufferView | null;

let library: NativeLibrary | undefined | null = null;

/** The functions of this process; undefined where they cannot be called. Cheap after the first call. */
export function nativeLibrary(): NativeLibrary | undefined {
  if (library === null) library = openNativeLibrary();
  return library;
}

/** The same once something has called for it; undefined before, without looking. */
export function nativeLibraryInUse(): NativeLibrary | undefined {
  return library ?? undefined;
}

function openNativeLibrary(): NativeLibrary | undefined {
  const koffi = loadKoffi();
  if (koffi === undefined) return undefined;
  let lib: LibraryHandle;
  try {
    lib = koffi.load(null);
  } catch {
    return undefined;
  }
  return {
    func: (prototype) => findFunction(lib, prototype),
    errno: () => koffi.errno(),
    // User space ends at 2^47 or 2^56 at most on the platforms koffi has: the pointers that allocators hand out fit.
    addressOf: (bytes) => Number(koffi.address(bytes)),
  };
}

function loadKoffi(): Koffi | undefined {
  try {
    return createRequire(import.meta.url)('koffi') as Koffi;
  } catch {
    return undefined;
  }
}

function findFunction(lib: LibraryHandle, prototype: string): NativeFunction | undefined {
  try {
    return lib.func(prototype) as unknown as NativeFunction;
  } catch {
    return undefined;
  }
}
