/** Joining byte arrays. Always copies: the result never shares memory with a part. */

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (let i = 0; i < parts.length; i++) length += parts[i]!.length;
  const result = new Uint8Array(length);
  let offset = 0;
  for (let i = 0; i < parts.length; i++) {
    result.set(parts[i]!, offset);
    offset += parts[i]!.length;
  }
  return result;
}
