/** The central directory of a zip archive (PKWARE APPNOTE 6.3.10, with Zip64). */
import { BrokenFileError } from '../errors.ts';
import { type FileBytes, MAX_READ } from './file-bytes.ts';

const END_LENGTH = 22;
const MAX_COMMENT = 0xffff;
const ENTRY_LENGTH = 46;
const U32_MAX = 0xffff_ffff;

export interface ZipDirectory {
  /** Where entries begin and the directory's end is. */
  readonly start: number;
  readonly end: number;
  readonly count: number;
  /** Bytes before the archive, of a program that unpacks itself: added to every place. */
  readonly shift: number;
}

export interface ZipEntry {
  readonly name: Uint8Array;
  readonly method: number;
  readonly flags: number;
  readonly crc: number;
  readonly storedBytes: number;
  readonly bytes: number;
  /** Of its local header, in the file. */
  readonly at: number;
}

export function zipDirectory(file: FileBytes): ZipDirectory {
  const endAt = endOfDirectory(file);
  const end = Buffer.from(file.read(endAt, END_LENGTH));
  const short = { count: end.readUInt16LE(10), length: end.readUInt32LE(12), start: end.readUInt32LE(16) };
  const long = zip64End(file, endAt);
  const { count, length, start } = long ?? short;
  const directoryEnd = long?.at ?? endAt;
  const shift = directoryEnd - length - start;
  if (shift < 0) throw new BrokenFileError('its directory reaches beyond its place');
  if (count * ENTRY_LENGTH > length) throw new BrokenFileError(`its directory has no room for ${count} entries`);
  return { start: start + shift, end: directoryEnd, count, shift };
}

/** The last place whose comment reaches to the end of the file. */
function endOfDirectory(file: FileBytes): number {
  const length = Math.min(file.size, END_LENGTH + MAX_COMMENT);
  const tail = Buffer.from(file.read(file.size - length, length));
  for (let at = length - END_LENGTH; at >= 0; at--) {
    at = tail.lastIndexOf('PK\x05\x06', at, 'latin1');
    if (at < 0) break;
    if (at + END_LENGTH + tail.readUInt16LE(at + 20) <= length) return file.size - length + at;
  }
  throw new BrokenFileError('its directory is not there: the archive is cut short');
}

interface Zip64End {
  readonly at: number;
  readonly count: number;
  readonly length: number;
  readonly start: number;
}

function zip64End(file: FileBytes, endAt: number): Zip64End | undefined {
  if (endAt < 20) return undefined;
  const locator = Buffer.from(file.read(endAt - 20, 20));
  if (locator.readUInt32LE(0) !== 0x0706_4b50) return undefined;
  const at = Number(locator.readBigUInt64LE(8));
  const end = Buffer.from(file.read(at, 56));
  if (end.readUInt32LE(0) !== 0x0606_4b50) throw new BrokenFileError('the end of its directory is wrong');
  const [count, length, start] = [32, 40, 48].map((place) => Number(end.readBigUInt64LE(place)));
  return { at, count: count!, length: length!, start: start! };
}

/** Every entry, in the directory's order. */
export function* zipEntries(file: FileBytes, { start, end, count, shift }: ZipDirectory): Generator<ZipEntry> {
  let at = start;
  for (let number = 1; number <= count; number++) {
    const head = Buffer.from(file.read(at, ENTRY_LENGTH));
    if (head.readUInt32LE(0) !== 0x0201_4b50) throw new BrokenFileError(`entry ${number} of its directory is wrong`);
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((place) => head.readUInt16LE(place)) as [
      number,
      number,
      number,
    ];
    const rest = file.read(at + ENTRY_LENGTH, Math.min(nameLength + extraLength, MAX_READ));
    yield zipEntry(head, rest.subarray(0, nameLength), Buffer.from(rest.subarray(nameLength)), shift);
    at += ENTRY_LENGTH + nameLength + extraLength + commentLength;
  }
  if (at > end) throw new BrokenFileError('its directory is longer than its place');
}

function zipEntry(head: Buffer, name: Uint8Array, extra: Buffer, shift: number): ZipEntry {
  const short = { bytes: head.readUInt32LE(24), storedBytes: head.readUInt32LE(20), at: head.readUInt32LE(42) };
  const long = longNumbers(short, extra);
  return {
    name,
    flags: head.readUInt16LE(8),
    method: head.readUInt16LE(10),
    crc: head.readUInt32LE(16),
    ...long,
    at: long.at + shift,
  };
}

type Numbers = Pick<ZipEntry, 'bytes' | 'storedBytes' | 'at'>;

/** Those that do not fit stand in the extra field 1, in this order. */
function longNumbers(short: Numbers, extra: Buffer): Numbers {
  const long = { ...short };
  let field = extraField(extra, 1);
  for (const name of ['bytes', 'storedBytes', 'at'] as const) {
    if (short[name] !== U32_MAX || field === undefined || field.length < 8) continue;
    long[name] = Number(field.readBigUInt64LE(0));
    field = field.subarray(8);
  }
  return long;
}

function extraField(extra: Buffer, id: number): Buffer | undefined {
  for (let at = 0; at + 4 <= extra.length; ) {
    const length = extra.readUInt16LE(at + 2);
    if (extra.readUInt16LE(at) === id) return extra.subarray(at + 4, at + 4 + length);
    at += 4 + length;
  }
  return undefined;
}
