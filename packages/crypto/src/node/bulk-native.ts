/** Bulk crypto by the OpenSSL that is part of the running Node (docs/adr/0001-ffi-into-node.md). */
import type { NativeFunction, NativeLibrary } from '@keephold/ffi';
import type { BulkCrypto } from './bulk-contract.ts';
import { nativeHashes } from './native-hashes.ts';
import { PAGE_BYTES, SEALED_PAGE_BYTES, TAG_BYTES, writePageNonce } from './page-layout.ts';

const GCM_GET_TAG = 0x10;
const GCM_SET_TAG = 0x11;

const PROTOTYPES = {
  digest: 'void* SHA256(const void*, size_t, void*)',
  init: 'int SHA256_Init(void*)',
  update: 'int SHA256_Update(void*, const void*, size_t)',
  final: 'int SHA256_Final(void*, void*)',
  newContext: 'void* EVP_CIPHER_CTX_new()',
  cipher: 'void* EVP_aes_256_gcm()',
  sealInit: 'int EVP_EncryptInit_ex(void*, void*, void*, const void*, const void*)',
  sealUpdate: 'int EVP_EncryptUpdate(void*, void*, int*, const void*, int)',
  sealFinal: 'int EVP_EncryptFinal_ex(void*, void*, int*)',
  openInit: 'int EVP_DecryptInit_ex(void*, void*, void*, const void*, const void*)',
  openUpdate: 'int EVP_DecryptUpdate(void*, void*, int*, const void*, int)',
  openFinal: 'int EVP_DecryptFinal_ex(void*, void*, int*)',
  control: 'int EVP_CIPHER_CTX_ctrl(void*, int, int, void*)',
} as const;

type OpenSsl = { readonly [name in keyof typeof PROTOTYPES]: NativeFunction };

/** Undefined when this Node does not export what is needed. */
export function createNativeBulk(idKey: Uint8Array, library: NativeLibrary): BulkCrypto | undefined {
  const openssl = resolve(library);
  if (openssl === undefined) return undefined;
  return { ...nativeHashes(openssl, idKey, library), ...nativePages(openssl) };
}

function resolve(library: NativeLibrary): OpenSsl | undefined {
  const found: Record<string, NativeFunction> = {};
  for (const [name, prototype] of Object.entries(PROTOTYPES)) {
    const fn = library.func(prototype);
    if (fn === undefined) return undefined;
    found[name] = fn;
  }
  return found as OpenSsl;
}

function nativePages(openssl: OpenSsl): Pick<BulkCrypto, 'sealPages' | 'openPages'> {
  const sealing = openssl.newContext();
  const opening = openssl.newContext();
  const cipher = openssl.cipher();
  const nonce = new Uint8Array(12);
  const length = new Int32Array(1);
  const none = new Uint8Array(TAG_BYTES);
  const must = (ok: number | bigint): void => {
    if (ok !== 1) throw new Error('seal page: OpenSSL refused the operation');
  };
  return {
    sealPages(packKey, area, first, count) {
      must(openssl.sealInit(sealing, cipher, null, packKey, nonce));
      for (let i = 0; i < count; i++) {
        const at = i * SEALED_PAGE_BYTES;
        const page = area.subarray(at, at + PAGE_BYTES);
        writePageNonce(nonce, first + i);
        must(openssl.sealInit(sealing, null, null, null, nonce));
        must(openssl.sealUpdate(sealing, page, length, page, PAGE_BYTES));
        must(openssl.sealFinal(sealing, none, length));
        must(openssl.control(sealing, GCM_GET_TAG, TAG_BYTES, area.subarray(at + PAGE_BYTES, at + SEALED_PAGE_BYTES)));
      }
    },
    openPages(packKey, area, first, count) {
      must(openssl.openInit(opening, cipher, null, packKey, nonce));
      for (let i = 0; i < count; i++) {
        const at = i * SEALED_PAGE_BYTES;
        const page = area.subarray(at, at + PAGE_BYTES);
        writePageNonce(nonce, first + i);
        must(openssl.openInit(opening, null, null, null, nonce));
        must(openssl.openUpdate(opening, page, length, page, PAGE_BYTES));
        must(openssl.control(opening, GCM_SET_TAG, TAG_BYTES, area.subarray(at + PAGE_BYTES, at + SEALED_PAGE_BYTES)));
        if (openssl.openFinal(opening, none, length) !== 1) return i;
      }
      return count;
    },
  };
}
