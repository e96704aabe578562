/** Numbers and small pieces that both ways of doing bulk crypto share. */

export const PAGE_BYTES = 65_536;
export const TAG_BYTES = 16;
export const SEALED_PAGE_BYTES = 65_552;

/** nonce = 0⁴ ‖ page number as u64 big-endian. */
export function writePageNonce(nonce: Uint8Array, page: number): void {
  nonce[8] = page >>> 24;
  nonce[9] = page >>> 16;
  nonce[10] = page >>> 8;
  nonce[11] = page;
}

/** The two HMAC pads of a 32-byte key (RFC 2104). */
export function hmacPads(key: Uint8Array): { readonly inner: Uint8Array; readonly outer: Uint8Array } {
  if (key.length !== 32) throw new RangeError(`blob id key: expected 32 bytes, got ${key.length}`);
  const inner = new Uint8Array(64).fill(0x36);
  const outer = new Uint8Array(64).fill(0x5c);
  for (let i = 0; i < 32; i++) {
    inner[i]! ^= key[i]!;
    outer[i]! ^= key[i]!;
  }
  return { inner, outer };
}
