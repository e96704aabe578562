/**
 * Decodes a PNG (W3C PNG, third edition): every chunk with its CRC, and the image data decompressed row by row for every
 * pass, each row with a known filter. That is all that a decoder can fail at: any bytes of the right number are an image.
 * One row at a time is looked at, so that an image of any claimed size takes no memory.
 */
import { crc32 } from 'node:zlib';
import { BrokenFileError } from '../errors.ts';
import { type FileBytes, pieces } from './file-bytes.ts';
import { latin1 } from './format.ts';
import { InflateBudget, inflated } from './inflate.ts';
import type { Done, OpeningLimits } from './opened.ts';
import { type PngHeader, parsePngHeader, passes } from './png-header.ts';

const FIRST_CHUNK = 8;
const MAX_FILTER = 4;

interface Chunk {
  readonly type: string;
  readonly at: number;
  readonly length: number;
}

export async function openPng(file: FileBytes, limits: OpeningLimits): Promise<Done> {
  const first = chunkAt(file, FIRST_CHUNK);
  if (first.type !== 'IHDR' || first.length !== 13) throw new BrokenFileError('it has no header');
  const header = parsePngHeader(file.read(first.at + 8, 13));
  const reading: Reading = { palette: false, ended: false };
  const budget = new InflateBudget(limits.inflated);
  const rows = new Rows(header);
  for await (const piece of inflated(imageData(file, reading), 'zlib', budget)) rows.push(piece);
  const size = `${header.width} × ${header.height}`;
  if (budget.isSpent) return { did: `decoded the first ${rows.bytes} bytes of its ${size} pixels`, toTheEnd: false };
  rows.end();
  // Some decompressors do not ask for what follows their data.
  for (const _ of restOf(file, reading));
  if (header.needsPalette && !reading.palette) throw new BrokenFileError('it has no palette');
  return { did: `decoded every row of its ${size} pixels, checksums right`, toTheEnd: true };
}

interface Reading {
  palette: boolean;
  ended: boolean;
  next?: number;
}

/** Content of all IDAT chunks; checks every chunk on the way, to the last one. */
function* imageData(file: FileBytes, reading: Reading): Generator<Uint8Array> {
  for (let at = FIRST_CHUNK; !reading.ended; ) {
    const chunk = chunkAt(file, at);
    const isImage = chunk.type === 'IDAT';
    for (const piece of checkedContent(file, chunk)) if (isImage) yield piece;
    reading.palette ||= chunk.type === 'PLTE';
    reading.ended = chunk.type === 'IEND';
    at += 12 + chunk.length;
    reading.next = at;
  }
}

function* restOf(file: FileBytes, reading: Reading): Generator<void> {
  for (let at = reading.next ?? FIRST_CHUNK; !reading.ended; ) {
    const chunk = chunkAt(file, at);
    for (const _ of checkedContent(file, chunk)) yield;
    reading.ended = chunk.type === 'IEND';
    at += 12 + chunk.length;
  }
}

function chunkAt(file: FileBytes, at: number): Chunk {
  const head = file.read(at, 8);
  const length = Buffer.from(head).readUInt32BE(0);
  const type = latin1(head.subarray(4));
  if (length >= 2 ** 31 || !/^[A-Za-z]{4}$/.test(type)) throw new BrokenFileError(`there is no chunk at byte ${at}`);
  return { type, at, length };
}

/** @throws BrokenFileError at its end, when the checksum is wrong */
function* checkedContent(file: FileBytes, { at, length, type }: Chunk): Generator<Uint8Array> {
  let sum = crc32(file.read(at + 4, 4));
  for (const piece of pieces(file, at + 8, length)) {
    sum = crc32(piece, sum);
    yield piece;
  }
  const written = Buffer.from(file.read(at + 8 + length, 4)).readUInt32BE(0);
  if (written !== sum) throw new BrokenFileError(`the checksum of its ${type} chunk at byte ${at} is wrong`);
}

/** Counts rows of all passes as their bytes come. */
class Rows {
  bytes = 0;
  readonly #passes: { readonly rowBytes: number; rows: number }[];
  /** Bytes of the row at hand that are still to come. */
  #left = 0;

  constructor(header: PngHeader) {
    this.#passes = passes(header).map((pass) => ({ ...pass }));
  }

  push(piece: Uint8Array): void {
    this.bytes += piece.length;
    for (let at = 0; at < piece.length; ) {
      if (this.#left === 0 && !this.#begin(piece[at++]!)) return;
      const taken = Math.min(this.#left, piece.length - at);
      this.#left -= taken;
      at += taken;
    }
  }

  /** False when all rows are there already: what follows is of no use, and no harm. */
  #begin(filter: number): boolean {
    const pass = this.#passes[0];
    if (pass === undefined) return false;
    if (filter > MAX_FILTER) throw new BrokenFileError(`a row has the filter ${filter}, which does not exist`);
    this.#left = pass.rowBytes;
    if (--pass.rows === 0) this.#passes.shift();
    return true;
  }

  end(): void {
    const missing = this.#passes.reduce((sum, { rows }) => sum + rows, this.#left > 0 ? 1 : 0);
    if (missing > 0) throw new BrokenFileError(`${missing} rows of its image are not there`);
  }
}
