/** The platform's random generator, for composition roots. Everything else takes a `RandomSource`. */

// Most that getRandomValues gives at once (Web Cryptography API §10.1.1).
const AT_ONCE = 65_536;

export function systemRandom(n: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(n);
  for (let start = 0; start < n; start += AT_ONCE) {
    globalThis.crypto.getRandomValues(bytes.subarray(start, Math.min(start + AT_ONCE, n)));
  }
  return bytes;
}
