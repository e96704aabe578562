/**
 * Goes through a JPEG (ITU-T T.81, annex B) to its end: every segment with its length, tables and frame header, and the
 * image data with its restart markers in order, up to the end-of-image marker. What the image data decodes to is asked of
 * image-decoder.ts.
 */
import { BrokenFileError } from '../errors.ts';
import { type FileBytes, pieces } from './file-bytes.ts';
import type { Done } from './opened.ts';

const SOI_LENGTH = 2;
const Marker = {
  dht: 0xc4,
  jpg: 0xc8,
  dac: 0xcc,
  rst0: 0xd0,
  rst7: 0xd7,
  eoi: 0xd9,
  sos: 0xda,
  dqt: 0xdb,
  dri: 0xdd,
} as const;

interface Image {
  size: string | undefined;
  scans: number;
  restartInterval: number;
  huffmanTables: number;
}

export function openJpeg(file: FileBytes): Done {
  const image: Image = { size: undefined, scans: 0, restartInterval: 0, huffmanTables: 0 };
  for (let at = SOI_LENGTH; ; ) {
    const { marker, next } = markerAt(file, at);
    if (marker === Marker.eoi) return finish(image);
    at = segment(file, marker, next, image);
    if (marker === Marker.sos) at = endOfScan(file, at, image);
  }
}

function finish({ size, scans }: Image): Done {
  if (size === undefined || scans === 0) throw new BrokenFileError('there is no image in it');
  const counted = scans === 1 ? 'its image data' : `the data of its ${scans} scans`;
  return {
    did: `read every segment and ${counted} to the end (${size} pixels)`,
    toTheEnd: true,
  };
}

function markerAt(file: FileBytes, at: number): { readonly marker: number; readonly next: number } {
  if (file.read(at, 1)[0] !== 0xff) throw new BrokenFileError(`there is no marker at byte ${at}`);
  let next = at + 1;
  // Any number of fill bytes may stand before the code.
  for (let code = file.read(next, 1)[0]!; ; code = file.read(next, 1)[0]!) {
    next++;
    if (code === 0xff) continue;
    if (isSegment(code) || code === Marker.eoi) return { marker: code, next };
    throw new BrokenFileError(`the marker ff ${code.toString(16).padStart(2, '0')} at byte ${at} has no place there`);
  }
}

/** SOFn, DHT, DAC, SOS, DQT, DNL, DRI, DHP, EXP, APPn, COM, and those of extensions (f0 to fd). */
function isSegment(code: number): boolean {
  return (code >= 0xc0 && code <= 0xcf && code !== Marker.jpg) || (code >= 0xda && code <= 0xfe);
}

/** Answers where the next thing stands. */
function segment(file: FileBytes, marker: number, at: number, image: Image): number {
  const length = u16(file, at);
  if (length < 2) throw new BrokenFileError(`the segment at byte ${at} has a length of ${length}`);
  const body = file.read(at + 2, length - 2);
  if (marker === Marker.dht) huffman(body, at, image);
  else if (marker === Marker.dqt) quantization(body, at);
  else if (marker === Marker.dri)
    image.restartInterval = body.length === 2 ? (body[0]! << 8) | body[1]! : wrong('restart interval', at);
  else if (marker === Marker.sos) scanHeader(body, at, image);
  else if (marker >= 0xc0 && marker <= 0xcf && marker !== Marker.dac) frameHeader(body, at, image);
  return at + length;
}

function frameHeader(body: Uint8Array, at: number, image: Image): void {
  const [precision = 0, h1 = 0, h0 = 0, w1 = 0, w0 = 0, components = 0] = body;
  const width = (w1 << 8) | w0;
  const isWhole = precision > 0 && width > 0 && components > 0 && body.length === 6 + 3 * components;
  if (!isWhole) wrong('frame header', at);
  // A height of 0 comes later, in a DNL segment.
  image.size ??= `${width} × ${(h1 << 8) | h0 || 'some'}`;
}

function scanHeader(body: Uint8Array, at: number, image: Image): void {
  const components = body[0] ?? 0;
  const isWhole = components >= 1 && components <= 4 && body.length === 4 + 2 * components;
  if (!isWhole || image.size === undefined) wrong('scan header', at);
  image.scans++;
}

/** Tables of 17 bytes and as many values as they count. */
function huffman(body: Uint8Array, at: number, image: Image): void {
  for (let from = 0; from < body.length; image.huffmanTables++) {
    const counts = body.subarray(from + 1, from + 17);
    const values = counts.reduce((sum, count) => sum + count, 0);
    if (counts.length < 16 || values > 256 || from + 17 + values > body.length) wrong('Huffman table', at);
    if (isOverfull(counts)) wrong('Huffman table', at);
    from += 17 + values;
  }
}

/** More codes of a length than there can be. */
function isOverfull(counts: Uint8Array): boolean {
  let free = 1;
  for (const count of counts) {
    free = free * 2 - count;
    if (free < 0) return true;
  }
  return false;
}

function quantization(body: Uint8Array, at: number): void {
  for (let from = 0; from < body.length; ) {
    const precision = body[from]! >> 4;
    if (precision > 1) wrong('quantization table', at);
    from += 1 + 64 * (precision + 1);
    if (from > body.length) wrong('quantization table', at);
  }
}

/** Answers where the next marker stands that is not part of the image data. */
function endOfScan(file: FileBytes, start: number, image: Image): number {
  let at = start;
  let afterFf = false;
  let restart = 0;
  for (const piece of pieces(file, start, file.size - start)) {
    for (let from = 0; from < piece.length; ) {
      if (!afterFf) {
        const ff = piece.indexOf(0xff, from);
        if (ff < 0) break;
        afterFf = true;
        from = ff + 1;
        continue;
      }
      const code = piece[from]!;
      if (code !== 0x00 && code !== 0xff && !isRestart(code)) return at + from - 1;
      if (isRestart(code)) restart = nextRestart(code, restart, image, at + from);
      afterFf = code === 0xff;
      from++;
    }
    at += piece.length;
  }
  throw new BrokenFileError(`it ends at byte ${file.size}, within its image data`);
}

function isRestart(code: number): boolean {
  return code >= Marker.rst0 && code <= Marker.rst7;
}

function nextRestart(code: number, expected: number, image: Image, at: number): number {
  if (image.restartInterval === 0 || code - Marker.rst0 !== expected)
    throw new BrokenFileError(`the restart marker at byte ${at} is out of order: part of the image is missing`);
  return (expected + 1) % 8;
}

function wrong(what: string, at: number): never {
  throw new BrokenFileError(`the ${what} at byte ${at} is wrong`);
}

function u16(file: FileBytes, at: number): number {
  const [high, low] = file.read(at, 2);
  return (high! << 8) | low!;
}
