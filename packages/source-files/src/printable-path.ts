/** Path bytes for messages: valid UTF-8 as it is, anything else and control characters escaped, so no name fakes output. */

/** '\x0a' for a newline, '\xff' for a byte that is no UTF-8. Never use the answer to open anything. */
export function printablePath(path: Uint8Array): string {
  const bytes = Buffer.from(path.buffer, path.byteOffset, path.length);
  const text = bytes.toString('utf8');
  if (!text.includes('\ufffd')) return escapeControls(text);
  // Mixed or foreign encoding: each byte outside ASCII stands for itself.
  return [...bytes].map((byte) => (byte < 0x80 ? escapeControls(String.fromCharCode(byte)) : hexEscape(byte))).join('');
}

function escapeControls(text: string): string {
  let out = '';
  for (const char of text) {
    const point = char.codePointAt(0) ?? 0;
    out += point < 0x20 || (point >= 0x7f && point < 0xa0) ? hexEscape(point) : char;
  }
  return out;
}

function hexEscape(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`;
}
