/**
 * Names as text for people. A name is any bytes: what could move the cursor, colour the screen or hide text is written
 * as an escape, so that a hostile name cannot speak to a terminal.
 */
import { rawTextFromBytes } from '../command-line/raw-text.ts';

/** Controls, line and paragraph separators, direction overrides, soft hyphen and other invisible characters. */
const unsafe = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\\]/gu;
const simple = /^[\x20-\x5b\x5d-\x7e]*$/;

/** One line that is safe on a terminal; bytes that are no UTF-8 as \xHH. */
export function printable(name: Uint8Array | string): string {
  const text = typeof name === 'string' ? name : rawTextFromBytes(name);
  return simple.test(text) ? text : text.replace(unsafe, escape);
}

/** As printable, but leaves backslashes alone: for messages, which hold Windows paths and no promise to be read back. */
export function printableMessage(message: string): string {
  return simple.test(message) ? message : message.replace(unsafe, (found) => (found === '\\' ? found : escape(found)));
}

function escape(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (character === '\\') return '\\\\';
  if (character === '\n') return '\\n';
  if (character === '\t') return '\\t';
  if (code >= 0xdc80 && code <= 0xdcff) return `\\x${(code - 0xdc00).toString(16)}`;
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`;
  return `\\u{${code.toString(16)}}`;
}
