/**
 * Lists a zip archive – office documents, books and app packages are such – and reads what is in it: the central
 * directory, every local header, and the content of every entry with its length and CRC. What is encrypted, or
 * compressed in another way than deflate, is listed only.
 */
import { crc32 } from 'node:zlib';
import { equalBytes } from '@keephold/bytes';
import { BrokenFileError } from '../errors.ts';
import { type FileBytes, pieces } from './file-bytes.ts';
import { latin1 } from './format.ts';
import { InflateBudget, inflated } from './inflate.ts';
import type { Done, OpeningLimits } from './opened.ts';
import { type ZipDirectory, type ZipEntry, zipDirectory, zipEntries } from './zip-directory.ts';

const LOCAL_LENGTH = 30;
const ENCRYPTED = 0x1;
const Method = { stored: 0, deflated: 8 } as const;

export async function openZip(file: FileBytes, limits: OpeningLimits): Promise<Done> {
  const directory = zipDirectory(file);
  const budget = new InflateBudget(limits.inflated);
  let entries = 0;
  let read = 0;
  let stored = 0;
  for (const entry of zipEntries(file, directory)) {
    entries++;
    stored += entry.storedBytes;
    // Entries that share their bytes are how a small archive becomes an endless one.
    if (stored > file.size) throw new BrokenFileError('its entries overlap');
    const start = contentStart(file, directory, entry);
    if (await checkContent(file, entry, start, budget)) read++;
  }
  const counted = entries === 1 ? '1 entry' : `${entries} entries`;
  return { did: `listed ${counted} and read the content of ${read}, checksums right`, toTheEnd: !budget.isSpent };
}

/** Behind the local header, which must tell of the same entry. */
function contentStart(file: FileBytes, directory: ZipDirectory, entry: ZipEntry): number {
  const head = Buffer.from(file.read(entry.at, LOCAL_LENGTH));
  if (head.readUInt32LE(0) !== 0x0403_4b50) throw wrong(entry, 'is not where it should be');
  const [nameLength, extraLength] = [head.readUInt16LE(26), head.readUInt16LE(28)];
  const name = file.read(entry.at + LOCAL_LENGTH, nameLength);
  if (!equalBytes(name, entry.name)) throw wrong(entry, 'has another name where it should be');
  const start = entry.at + LOCAL_LENGTH + nameLength + extraLength;
  if (start + entry.storedBytes > directory.start) throw wrong(entry, 'reaches into the directory');
  return start;
}

/** Answers whether the content was read. */
async function checkContent(file: FileBytes, entry: ZipEntry, start: number, budget: InflateBudget): Promise<boolean> {
  const { flags, method, storedBytes } = entry;
  if ((flags & ENCRYPTED) !== 0 || budget.isSpent) return false;
  const source = pieces(file, start, storedBytes);
  if (method === Method.stored) await checkSum(entry, source);
  else if (method !== Method.deflated) return false;
  else if (!(await checkSum(entry, named(entry, inflated(source, 'raw', budget)), budget))) return false;
  return true;
}

/** Answers false when the budget ended it. */
async function checkSum(
  entry: ZipEntry,
  content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  budget?: InflateBudget,
): Promise<boolean> {
  let sum = 0;
  let bytes = 0;
  for await (const piece of content) {
    sum = crc32(piece, sum);
    bytes += piece.length;
    if (bytes > entry.bytes) throw wrong(entry, `is longer than ${entry.bytes} bytes`);
  }
  if (budget?.isSpent === true && bytes < entry.bytes) return false;
  if (bytes !== entry.bytes) throw wrong(entry, `has ${bytes} bytes of ${entry.bytes}`);
  if (sum !== entry.crc) throw wrong(entry, 'has another checksum than it should');
  return true;
}

/** Failures say which entry. */
async function* named(entry: ZipEntry, content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* content;
  } catch (cause) {
    throw cause instanceof BrokenFileError ? wrong(entry, `cannot be read: ${cause.message}`) : cause;
  }
}

function wrong(entry: ZipEntry, what: string): BrokenFileError {
  return new BrokenFileError(`its entry ${latin1(entry.name).slice(0, 200)} ${what}`);
}
