/** What reading trees on Node's main thread uses instead of the portable ways: the bulk code of the workers. */
import { createBulkCrypto } from '@keephold/crypto/bulk';
import { nativeLibrary } from '@keephold/ffi';
import { DamagedError } from '../errors.ts';
import type { RepositoryOptions } from '../reading/repository.ts';
import { createZstd } from './zstd.ts';

type Tool = 'decompress' | 'openPages' | 'computeBlobId';
/** All of them are there. */
type ReadingTools = { readonly [name in Tool]: NonNullable<RepositoryOptions[name]> };

/** `native: false`: only node:crypto and node:zlib. */
export function readingTools(idKey: Uint8Array, options: { readonly native: boolean }): ReadingTools {
  const native = options.native ? nativeLibrary() : undefined;
  const bulk = createBulkCrypto({ idKey, native });
  const zstd = createZstd(native);
  return {
    decompress(frame, rawLength) {
      const plain = new Uint8Array(rawLength);
      if (!zstd.decompress(frame, plain))
        throw new DamagedError(`decompress frame: it is not one of ${rawLength} bytes`);
      return plain;
    },
    openPages: (packKey, area, first, count) => bulk.openPages(packKey, area, first, count),
    computeBlobId: (kind, plaintext, out) => bulk.blobId(kind, plaintext, out),
  };
}
