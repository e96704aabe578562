/** Real files of the formats that are opened: from other programs where there are any here, else written as the formats say. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { crc32, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';

/** 24 × 16 pixels, baseline, from the encoder of jpeg-js 0.4.4. */
export const jpeg: Buffer = Buffer.from(
  '/9j/4AAQSkZJRgABAQAAAQABAAD/2wCEABQODxIPDRQSEBIXFRQYHjIhHhwcHj0sLiQySUBMS0dARkVQWnNiUFVtVkVGZIhlbXd7gYKBTmCNl4x9lnN+gXwBFRcXHhoeOyEhO3xTRlN8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fP/AABEIABAAGAMBEQACEQEDEQH/xAGiAAABBQEBAQEBAQAAAAAAAAAAAQIDBAUGBwgJCgsQAAIBAwMCBAMFBQQEAAABfQECAwAEEQUSITFBBhNRYQcicRQygZGhCCNCscEVUtHwJDNicoIJChYXGBkaJSYnKCkqNDU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6g4SFhoeIiYqSk5SVlpeYmZqio6Slpqeoqaqys7S1tre4ubrCw8TFxsfIycrS09TV1tfY2drh4uPk5ebn6Onq8fLz9PX29/j5+gEAAwEBAQEBAQEBAQAAAAAAAAECAwQFBgcICQoLEQACAQIEBAMEBwUEBAABAncAAQIDEQQFITEGEkFRB2FxEyIygQgUQpGhscEJIzNS8BVictEKFiQ04SXxFxgZGiYnKCkqNTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqCg4SFhoeIiYqSk5SVlpeYmZqio6Slpqeoqaqys7S1tre4ubrCw8TFxsfIycrS09TV1tfY2dri4+Tl5ufo6ery8/T19vf4+fr/2gAMAwEAAhEDEQA/AIntre3kCyWUcZ25AZlz/Ks6cnKKlFN28v6/rZXKfPf3Xp/hv+KY5ktzB+6hgVxyCzgD8cU6U6q5Wub8P+D17+aQ5KbV5Xsv7rX4oSFUwPn04ZHeQ/41SeiS5lddUvLy/wCHuQqkfP73/kPkVY4RI4s9q9SFYfyPNTTadrp6+nS3f/gbWHUV1s/mnFfeJFcw4GTbdP7ktJ0qltXLb+7bp69PmKKXf/yYbGSpA+3uQO4jH/xNCceVJ6fP+v67Iq8k7JN/9vL/ADP/2Q==',
  'base64',
);
/** One pixel each, from the examples that browsers are tested with. */
export const gif: Buffer = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');
export const webp: Buffer = Buffer.from('UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA', 'base64');

export interface FlatJpegWish {
  readonly width: number;
  readonly height: number;
  /** In two scans. */
  readonly progressive?: boolean;
  /** A restart marker after each block. */
  readonly restarts?: boolean;
}

/** Of one grey: each block is one or two bits, so that even 200 megapixels are a small file. */
export function flatJpeg({ width, height, progressive = false, restarts = false }: FlatJpegWish): Buffer {
  const u16 = (value: number): number[] => [value >> 8, value & 255];
  const segment = (marker: number, body: readonly number[]): Buffer =>
    Buffer.from([0xff, marker, ...u16(body.length + 2), ...body]);
  const table = (place: number): Buffer => segment(0xc4, [place, 1, ...Array.from({ length: 16 }, () => 0)]);
  const blocks = Math.ceil(width / 8) * Math.ceil(height / 8);
  const bits = progressive ? 1 : 2;
  const data = restarts
    ? Buffer.concat(Array.from({ length: blocks }, (_, i) => restartedBlock(i, { bits, isLast: i === blocks - 1 })))
    : Buffer.alloc(Math.ceil((blocks * bits) / 8));
  const scan = (first: number, last: number): Buffer[] => [segment(0xda, [1, 1, 0, first, last, 0]), data];
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    segment(0xdb, [0, ...Array.from({ length: 64 }, () => 1)]),
    segment(progressive ? 0xc2 : 0xc0, [8, ...u16(height), ...u16(width), 1, 1, 0x11, 0]),
    table(0),
    table(0x10),
    ...(restarts ? [segment(0xdd, u16(1))] : []),
    ...(progressive ? [...scan(0, 0), ...scan(1, 63)] : scan(0, 63)),
    Buffer.from([0xff, 0xd9]),
  ]);
}

/** Padded with ones. */
function restartedBlock(number: number, { bits, isLast }: { readonly bits: number; readonly isLast: boolean }): Buffer {
  return Buffer.from(isLast ? [0xff >> bits] : [0xff >> bits, 0xff, 0xd0 + (number % 8)]);
}

export function jpegOfScans(): Buffer {
  return flatJpeg({ width: 8, height: 24, progressive: true, restarts: true });
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function pngChunk(type: string, content: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), content]);
  return Buffer.concat([u32(content.length), body, u32(crc32(body))]);
}

export interface PngWish {
  readonly width: number;
  readonly height: number;
  readonly interlaced?: boolean;
  /** Rows with their filter bytes, before compression; all of them without it. */
  readonly rows?: Uint8Array;
}

const SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');

/** 8-bit RGB. Its image data comes in two chunks. */
export function png({ width, height, interlaced = false, rows }: PngWish): Buffer {
  const header = Buffer.concat([u32(width), u32(height), Buffer.from([8, 2, 0, 0, interlaced ? 1 : 0])]);
  const data = deflateSync(rows ?? pngRows(width, height, interlaced));
  const half = data.length >> 1;
  return Buffer.concat([
    SIGNATURE,
    pngChunk('IHDR', header),
    pngChunk('tEXt', Buffer.from('Title\0a test', 'latin1')),
    pngChunk('IDAT', data.subarray(0, half)),
    pngChunk('IDAT', data.subarray(half)),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
}

export function pngRows(width: number, height: number, interlaced = false): Buffer {
  const passes = interlaced
    ? [
        [0, 0, 8, 8],
        [4, 0, 8, 8],
        [0, 4, 4, 8],
        [2, 0, 4, 4],
        [0, 2, 2, 4],
        [1, 0, 2, 2],
        [0, 1, 1, 2],
      ]
    : [[0, 0, 1, 1]];
  const rows: Buffer[] = [];
  for (const [column = 0, row = 0, columnStep = 1, rowStep = 1] of passes) {
    for (let y = row; y < height; y += rowStep) {
      const pixels = Math.ceil((width - column) / columnStep);
      if (pixels <= 0) continue;
      rows.push(Buffer.from([y % 5]), Buffer.alloc(pixels * 3, y + 1));
    }
  }
  return Buffer.concat(rows);
}

function box(type: string, content: Uint8Array): Buffer {
  return Buffer.concat([u32(8 + content.length), Buffer.from(type, 'latin1'), content]);
}

export const film: Buffer = Buffer.concat([
  box('ftyp', Buffer.from('isom\x00\x00\x02\x00isomiso2', 'latin1')),
  box('moov', box('mvhd', Buffer.alloc(100))),
  // With a length of 64 bits.
  Buffer.concat([u32(1), Buffer.from('mdat', 'latin1'), u32(0), u32(16 + 1000), Buffer.alloc(1000, 7)]),
]);

/** Two objects and a classic table; `saved` adds a newer version of one of them at the end. */
export function pdf({ saved = false }: { readonly saved?: boolean } = {}): Buffer {
  const writer = new PdfWriter();
  writer.object(1, '<< /Type /Catalog /Pages 2 0 R >>');
  writer.object(2, '<< /Type /Pages /Kids [] /Count 0 >>');
  const first = writer.table(0, [1, 2]);
  writer.end(first, '<< /Size 3 /Root 1 0 R /ID [<00ff> (a \\( string)] /Info << /Title (t) >> >>');
  if (!saved) return writer.bytes();
  writer.object(2, '<< /Type /Pages /Kids [] /Count 0 /Rotate 90 >>');
  const second = writer.table(2, [2]);
  writer.end(second, `<< /Size 3 /Root 1 0 R /Prev ${first} >>`);
  return writer.bytes();
}

/** The cross-reference as a stream, compressed, its rows predicted from the row above. */
export function pdfWithStream(): Buffer {
  const writer = new PdfWriter();
  writer.object(1, '<< /Type /Catalog /Pages 2 0 R >>');
  writer.object(2, '<< /Type /Pages /Kids [] /Count 0 >>');
  writer.stream(3, '/Type /ObjStm /N 1 /First 4', Buffer.from('4 0 << >>'));
  const at = writer.bytes().length;
  const rows = [[0, 0, 255], ...[1, 2, 3].map((number) => [1, writer.places.get(number)!, 0]), [2, 3, 0], [1, at, 0]];
  const packed = Buffer.concat(
    rows.map(([type, place, last]) => Buffer.from([type!, place! >> 8, place! & 255, last!])),
  );
  const predicted: number[] = [];
  for (let row = 0; row < rows.length; row++) {
    predicted.push(2);
    for (let i = 0; i < 4; i++) predicted.push((packed[row * 4 + i]! - (packed[row * 4 - 4 + i] ?? 0)) & 255);
  }
  const parameters = '/Filter /FlateDecode /DecodeParms << /Predictor 12 /Columns 4 >>';
  writer.stream(5, `/Type /XRef /Size 6 /Root 1 0 R /W [1 2 1] ${parameters}`, deflateSync(Buffer.from(predicted)));
  writer.text(`startxref\n${at}\n%%EOF\n`);
  return writer.bytes();
}

class PdfWriter {
  readonly places = new Map<number, number>();
  #bytes = Buffer.from('%PDF-1.7\n%\xe2\xe3\xcf\xd3\n', 'latin1');

  text(text: string): void {
    this.#bytes = Buffer.concat([this.#bytes, Buffer.from(text, 'latin1')]);
  }

  object(number: number, content: string): void {
    this.places.set(number, this.#bytes.length);
    this.text(`${number} 0 obj\n${content}\nendobj\n`);
  }

  stream(number: number, keys: string, content: Uint8Array): void {
    this.places.set(number, this.#bytes.length);
    this.text(`${number} 0 obj\n<< ${keys} /Length ${content.length} >>\nstream\n`);
    this.#bytes = Buffer.concat([this.#bytes, content]);
    this.text('\nendstream\nendobj\n');
  }

  table(first: number, numbers: readonly number[]): number {
    const at = this.#bytes.length;
    const rows = numbers.map((number) => `${String(this.places.get(number)).padStart(10, '0')} 00000 n\r\n`);
    const free = first === 0 ? '0000000000 65535 f\r\n' : '';
    this.text(`xref\n${first} ${numbers.length + (first === 0 ? 1 : 0)}\n${free}${rows.join('')}`);
    return at;
  }

  end(table: number, trailer: string): void {
    this.text(`trailer\n${trailer}\nstartxref\n${table}\n%%EOF\n`);
  }

  bytes(): Buffer {
    return this.#bytes;
  }
}

export interface ZipEntryWish {
  readonly name: string;
  readonly content: Uint8Array;
  readonly stored?: boolean;
  /** Other numbers than the right ones. */
  readonly lies?: { readonly crc?: number; readonly bytes?: number; readonly at?: number };
}

/** As the format says; what `lies` names stands in the directory and is wrong. */
export function zip(entries: readonly ZipEntryWish[]): Buffer {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  for (const { name, content, stored = false, lies = {} } of entries) {
    const data = stored ? Buffer.from(content) : deflateRawSync(content);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(stored ? 0 : 8, 4);
    fields.writeUInt32LE(lies.crc ?? crc32(content), 10);
    fields.writeUInt32LE(data.length, 14);
    fields.writeUInt32LE(lies.bytes ?? content.length, 18);
    fields.writeUInt16LE(name.length, 22);
    const place = Buffer.alloc(16);
    place.writeUInt32LE(lies.at ?? Buffer.concat(local).length, 12 - 0);
    local.push(Buffer.from('PK\x03\x04', 'latin1'), fields, Buffer.from(name), data);
    central.push(Buffer.from('PK\x01\x02\x14\0', 'latin1'), fields, place.subarray(2, 16), Buffer.from(name));
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(Buffer.concat(local).length, 16);
  return Buffer.concat([...local, directory, end]);
}

export const text: Buffer = Buffer.from('Some words, and the same words again. '.repeat(400));

let made: { readonly database: Buffer; readonly log: Buffer } | undefined;

/** A database with an index, and a write-ahead log with what was written last. */
export function sqlite(): { readonly database: Buffer; readonly log: Buffer } {
  const folder = mkdtempSync(join(tmpdir(), 'keephold-sqlite-'));
  try {
    return (made ??= makeDatabase(join(folder, 'a.sqlite')));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function makeDatabase(path: string): { readonly database: Buffer; readonly log: Buffer } {
  using database = new DatabaseSync(path);
  database.exec(
    'PRAGMA journal_mode = WAL; CREATE TABLE t (id INTEGER PRIMARY KEY, w TEXT COLLATE nocase); CREATE INDEX i ON t (w)',
  );
  const insert = database.prepare('INSERT INTO t (w) VALUES (?)');
  database.exec('BEGIN');
  for (let i = 0; i < 2000; i++) insert.run(`word ${(i * 7919) % 2003}`);
  database.exec('COMMIT; PRAGMA wal_checkpoint(TRUNCATE); BEGIN');
  for (let i = 0; i < 500; i++) insert.run(`later ${i}`);
  database.exec('COMMIT');
  return { database: readFileSync(path), log: readFileSync(`${path}-wal`) };
}

/** What a program makes of a folder with some files in it; undefined where it is not installed. */
export function archiveBy(program: string, args: readonly string[], output: string): Buffer | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'keephold-archive-'));
  try {
    writeFileSync(join(folder, 'words.txt'), text);
    writeFileSync(join(folder, `${'a long name '.repeat(15)}.txt`), 'x');
    writeFileSync(join(folder, 'empty'), '');
    const { status } = spawnSync(program, args, { cwd: folder, stdio: 'ignore' });
    return status === 0 ? readFileSync(join(folder, output)) : undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export const gzip: Buffer = gzipSync(text);
