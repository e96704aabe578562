/**
 * Content-defined chunking (format.md §3) in WebAssembly. The module works on the caller's memory: bytes are read into
 * it once, cut in place, never copied.
 */
import { fromBase64Url } from '@keephold/bytes';
import { chunkerModule } from './chunker-module.ts';

/** A content-defined file no longer than this is one chunk. */
export const MIN_CHUNK_BYTES: number = 512 * 1024;
export const MAX_CHUNK_BYTES: number = 4 * 1024 * 1024;
export const GEAR_TABLE_BYTES = 2048;
/** What has to be there beyond a chunk of a disk image to tell that it ends. */
export const SECTOR_WINDOW_BYTES = 64;

export interface Chunker {
  /** Starts a new file. */
  reset(): void;
  /**
   * The length of the chunk at offset `at` of the memory, of which `available` bytes are there; 0 when more bytes are
   * needed to tell. Ask again for the same chunk with more bytes. The last chunk of a file is what is left.
   */
  cut(at: number, available: number): number;
  /**
   * The same for a disk image in pieces of about `pieceBytes` (a power of two): between half and twice of that, by whole
   * sectors. It keeps no state: twice `pieceBytes` and SECTOR_WINDOW_BYTES more must be there, or all that is left.
   */
  cutAtSector(at: number, available: number, pieceBytes: number): number;
}

interface ChunkerExports {
  reset(): void;
  cut(chunk: number, available: number): number;
  cutAtSector(chunk: number, available: number, pieceBytes: number): number;
}

/** `memory` is shared and starts with the gear table (2,048 bytes). */
export function createChunker(memory: WebAssembly.Memory): Chunker {
  const binary = fromBase64Url(chunkerModule);
  const module = new WebAssembly.Module(binary);
  const exports = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as ChunkerExports;
  return {
    reset: () => exports.reset(),
    cut: (at, available) => exports.cut(at, available),
    cutAtSector: (at, available, pieceBytes) => exports.cutAtSector(at, available, pieceBytes),
  };
}
