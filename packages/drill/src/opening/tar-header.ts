/** The header block of a tar entry: ustar, pax, GNU and the old ones (POSIX.1-2017 pax, §ustar interchange format). */

export const TAR_BLOCK = 512;

const CHECKSUM_AT = 148;
const CHECKSUM_LENGTH = 8;

/** The sum of all bytes, with spaces for the checksum itself; old writers took the bytes as signed. */
function checksums(block: Uint8Array): readonly [unsigned: number, signed: number] {
  let unsigned = 0;
  let signed = 0;
  for (let at = 0; at < TAR_BLOCK; at++) {
    const byte = at >= CHECKSUM_AT && at < CHECKSUM_AT + CHECKSUM_LENGTH ? 0x20 : block[at]!;
    unsigned += byte;
    signed += byte < 0x80 ? byte : byte - 0x100;
  }
  return [unsigned, signed];
}

/** Whether a file that begins with these bytes is a tar archive. */
export function isTarHeader(head: Uint8Array): boolean {
  if (head.length < TAR_BLOCK || head[0] === 0) return false;
  const written = tarNumber(head.subarray(CHECKSUM_AT, CHECKSUM_AT + CHECKSUM_LENGTH));
  return written !== undefined && checksums(head).includes(written);
}

export interface TarHeader {
  /** Bytes that follow, before they are padded to whole blocks. */
  readonly size: number;
  readonly type: string;
  /** Whether more blocks of a sparse map follow it (GNU). */
  readonly isContinued: boolean;
}

/** Links, devices, directories: what stands as their size is no content. */
const WITHOUT_CONTENT = /[1-6]/;
const SPARSE = 'S';
const CONTINUED_AT = 482;

/** Undefined when the checksum or the size is wrong. */
export function parseTarHeader(block: Uint8Array): TarHeader | undefined {
  if (!isTarHeader(block)) return undefined;
  const size = tarNumber(block.subarray(124, 136));
  if (size === undefined) return undefined;
  const type = String.fromCharCode(block[156]!);
  const isContinued = type === SPARSE && block[CONTINUED_AT] !== 0;
  return { size: WITHOUT_CONTENT.test(type) ? 0 : size, type, isContinued };
}

/** Whether another block of a sparse map follows this one. */
export function isMapContinued(block: Uint8Array): boolean {
  return block[504] !== 0;
}

/** Octal digits, or base 256 with the first bit set (GNU). Undefined when it is neither. */
function tarNumber(field: Uint8Array): number | undefined {
  if ((field[0]! & 0x80) !== 0) return base256(field);
  const digits = /^ *([0-7]*)[ \0]*$/.exec(String.fromCharCode(...field))?.[1];
  if (digits === undefined) return undefined;
  return digits === '' ? 0 : Number.parseInt(digits, 8);
}

function base256(field: Uint8Array): number | undefined {
  let value = field[0]! & 0x7f;
  for (const byte of field.subarray(1)) value = value * 256 + byte;
  return Number.isSafeInteger(value) ? value : undefined;
}
