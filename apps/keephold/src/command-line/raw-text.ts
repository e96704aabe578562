/**
 * Text that stands for any bytes: UTF-8 where the bytes are UTF-8, and a lone surrogate U+DC80…U+DCFF for each byte that
 * is not (as PEP 383). File names are bytes; argument lists reach JavaScript as text, and this makes the way there and
 * back exact.
 */

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function rawTextFromBytes(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    return decodeEscaping(bytes);
  }
}

function decodeEscaping(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at);
    if (length === 0) text += String.fromCharCode(0xdc00 + (bytes[at] ?? 0));
    else text += decoder.decode(bytes.subarray(at, at + length));
    at += Math.max(1, length);
  }
  return text;
}

/** Length of the valid UTF-8 sequence at this place; 0 when there is none. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  const length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (length === 0 || at + length > bytes.length) return 0;
  try {
    decoder.decode(bytes.subarray(at, at + length));
    return length;
  } catch {
    return 0;
  }
}

const encoder = new TextEncoder();

export function bytesFromRawText(text: string): Uint8Array {
  if (text.isWellFormed()) return encoder.encode(text);
  const bytes: number[] = [];
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code >= 0xdc80 && code <= 0xdcff) bytes.push(code - 0xdc00);
    else bytes.push(...encoder.encode(character));
  }
  return Uint8Array.from(bytes);
}

/**
 * The argument list with exact bytes. Node has replaced what is not UTF-8 by U+FFFD; Linux still has the bytes.
 * `readCommandLine` answers the raw list (each argument ended by NUL), or undefined where the system has none.
 */
export function exactArguments(args: readonly string[], readCommandLine: () => Uint8Array | undefined): string[] {
  if (!args.some((argument) => argument.includes('\ufffd'))) return [...args];
  const raw = readCommandLine();
  if (raw === undefined) return [...args];
  const all = splitAtNul(raw);
  const own = all.slice(all.length - args.length);
  const lossy = new TextDecoder();
  // Only what decodes to the very text Node saw is taken: nothing else can be the same argument.
  return args.map((argument, at) => {
    const bytes = own[at];
    return bytes !== undefined && lossy.decode(bytes) === argument ? rawTextFromBytes(bytes) : argument;
  });
}

function splitAtNul(raw: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let from = 0;
  for (let at = raw.indexOf(0); at >= 0; at = raw.indexOf(0, from)) {
    parts.push(raw.subarray(from, at));
    from = at + 1;
  }
  return parts;
}
