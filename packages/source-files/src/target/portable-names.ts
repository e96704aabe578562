/**
 * Names a Windows volume refuses, mapped to ones it takes: the same name always maps to the same one, two names never to
 * one, and the byte values stay readable in it. The caller reports every mapped name.
 */

const RESERVED = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)/i;
const FORBIDDEN = /[<>:"/\\|?*%]/;

/**
 * The name as it is when Windows takes it; otherwise with every offending byte as '%XX'. A '%' is always escaped in a
 * name that needs escaping or that already looks escaped, which keeps the mapping one to one.
 */
export function portableName(name: Uint8Array): string {
  const text = decode(name);
  if (text !== undefined && isPortable(text)) return text;
  return text === undefined ? escapeBytes(name) : escapeText(text);
}

function isPortable(text: string): boolean {
  if (RESERVED.test(text) || /[. ]$/.test(text)) return false;
  if (/%[0-9A-F]{2}/.test(text)) return false;
  return ![...text].some((char) => isForbidden(char) && char !== '%');
}

function isForbidden(char: string): boolean {
  return char < ' ' || FORBIDDEN.test(char);
}

function escapeText(text: string): string {
  const chars = [...text].map((char) => (isForbidden(char) ? escapeChar(char) : char));
  const last = chars.length - 1;
  if (/[. ]$/.test(text)) chars[last] = escapeChar(text.slice(-1));
  // A reserved device name stops being one with its first letter escaped.
  if (RESERVED.test(text)) chars[0] = escapeChar(chars[0] ?? '');
  return chars.join('');
}

function escapeBytes(name: Uint8Array): string {
  const chars = [...name].map((byte) => {
    const char = String.fromCharCode(byte);
    return byte >= 0x80 || isForbidden(char) ? escapeChar(char) : char;
  });
  const last = chars.length - 1;
  if (chars[last] === '.' || chars[last] === ' ') chars[last] = escapeChar(chars[last]);
  if (RESERVED.test(chars.join(''))) chars[0] = escapeChar(chars[0] ?? '');
  return chars.join('');
}

function escapeChar(char: string): string {
  return `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

function decode(name: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(name);
  } catch {
    return undefined;
  }
}
