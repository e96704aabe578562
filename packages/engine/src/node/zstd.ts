/**
 * zstd frames in place and without allocation: Node's own zstd called directly, or node:zlib. Frames follow format.md
 * §3: one frame, content size present, no dictionary, no checksum, window ≤ 8 MiB; anything else is refused.
 */
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { NativeFunction, NativeLibrary } from '@keephold/ffi';

export interface Zstd {
  /** Compresses `source` into `target`; the length, or 0 when it does not fit. */
  compress(source: Uint8Array, target: Uint8Array, level: number): number;
  /** Decompresses exactly one frame of exactly `target.length` bytes; false for anything else. */
  decompress(source: Uint8Array, target: Uint8Array): boolean;
}

const MAX_WINDOW_LOG = 23;
const D_WINDOW_LOG_MAX = 100;

export function createZstd(native: NativeLibrary | undefined): Zstd {
  return (native === undefined ? undefined : createNativeZstd(native)) ?? portableZstd;
}

const PROTOTYPES = {
  newCompressor: 'void* ZSTD_createCCtx()',
  newDecompressor: 'void* ZSTD_createDCtx()',
  compress: 'size_t ZSTD_compressCCtx(void*, void*, size_t, const void*, size_t, int)',
  decompress: 'size_t ZSTD_decompressDCtx(void*, void*, size_t, const void*, size_t)',
  frameSize: 'size_t ZSTD_findFrameCompressedSize(const void*, size_t)',
  isError: 'unsigned int ZSTD_isError(size_t)',
  setParameter: 'size_t ZSTD_DCtx_setParameter(void*, int, int)',
} as const;

function createNativeZstd(library: NativeLibrary): Zstd | undefined {
  const zstd: Record<string, NativeFunction> = {};
  for (const [name, prototype] of Object.entries(PROTOTYPES)) {
    const fn = library.func(prototype);
    if (fn === undefined) return undefined;
    zstd[name] = fn;
  }
  const { compress, decompress, frameSize, isError } = zstd as { [K in keyof typeof PROTOTYPES]: NativeFunction };
  let compressor: number | bigint | undefined;
  let decompressor: number | bigint | undefined;
  return {
    compress(source, target, level) {
      compressor ??= zstd['newCompressor']!();
      const length = compress(compressor, target, target.length, source, source.length, level);
      return isError(length) === 0 ? Number(length) : 0;
    },
    decompress(source, target) {
      if (!isPlainFrame(source, target.length) || Number(frameSize(source, source.length)) !== source.length)
        return false;
      if (decompressor === undefined) {
        decompressor = zstd['newDecompressor']!();
        zstd['setParameter']!(decompressor, D_WINDOW_LOG_MAX, MAX_WINDOW_LOG);
      }
      return Number(decompress(decompressor, target, target.length, source, source.length)) === target.length;
    },
  };
}

const portableZstd: Zstd = {
  compress(source, target, level) {
    const params = { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_contentSizeFlag]: 1 };
    const out = zstdCompressSync(source, { params, pledgedSrcSize: source.length });
    if (out.length > target.length) return 0;
    target.set(out);
    return out.length;
  },
  decompress(source, target) {
    if (!isPlainFrame(source, target.length)) return false;
    try {
      const params = { [constants.ZSTD_d_windowLogMax]: MAX_WINDOW_LOG };
      const out = zstdDecompressSync(source, { maxOutputLength: Math.max(target.length, 1), params });
      if (out.length !== target.length) return false;
      target.set(out);
      return true;
    } catch {
      return false;
    }
  },
};

/** Whether the frame header (RFC 8878 §3.1.1) says: `rawLength` bytes, no dictionary, no checksum, window ≤ 8 MiB. */
export function isPlainFrame(frame: Uint8Array, rawLength: number): boolean {
  if (frame.length < 6 || frame[0] !== 0x28 || frame[1] !== 0xb5 || frame[2] !== 0x2f || frame[3] !== 0xfd)
    return false;
  const descriptor = frame[4]!;
  const singleSegment = (descriptor & 0x20) !== 0;
  // Reserved bit, checksum flag, dictionary flag must all be clear.
  if ((descriptor & 0x0f) !== 0) return false;
  let at = 5;
  if (!singleSegment) {
    const window = frame[at++]!;
    const base = 2 ** (10 + (window >> 3));
    if (base + (base / 8) * (window & 7) > 2 ** MAX_WINDOW_LOG) return false;
  }
  const sizeBytes = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
  if (sizeBytes === 0 || frame.length < at + sizeBytes) return false;
  let size = 0;
  for (let i = sizeBytes - 1; i >= 0; i--) size = size * 256 + frame[at + i]!;
  if (sizeBytes === 2) size += 256;
  return size === rawLength && (!singleSegment || rawLength <= 2 ** MAX_WINDOW_LOG);
}
