import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import {
  archiveBy,
  film,
  flatJpeg,
  gif,
  gzip,
  jpeg,
  jpegOfScans,
  pdf,
  pdfWithStream,
  png,
  pngChunk,
  pngRows,
  sqlite,
  text,
  webp,
  zip,
} from './_files.ts';
import { openFile } from './open-file.ts';
import type { Opening, OpeningLimits } from './opened.ts';

const folder = mkdtempSync(join(tmpdir(), 'keephold-open-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
async function open(bytes: Uint8Array, name = 'file', limits?: OpeningLimits): Promise<Opening> {
  const path = join(folder, `${++files}-${name}`);
  writeFileSync(path, bytes);
  return await openFile(Buffer.from(path), limits);
}

async function openedText(bytes: Uint8Array, name?: string): Promise<string> {
  const opening = await open(bytes, name);
  return opening.kind === 'opened' ? `${opening.format}: ${opening.did}` : JSON.stringify(opening);
}

async function reasonOf(bytes: Uint8Array, name?: string): Promise<string> {
  const opening = await open(bytes, name);
  return opening.kind === 'broken' ? `${opening.format}: ${opening.reason}` : JSON.stringify(opening);
}

function changed(bytes: Uint8Array, at: number, value?: number): Buffer {
  const copy = Buffer.from(bytes);
  const place = at < 0 ? copy.length + at : at;
  copy[place] = value ?? copy[place]! ^ 0x40;
  return copy;
}

function replaced(bytes: Uint8Array, from: string, to: string): Buffer {
  const copy = Buffer.from(bytes);
  const at = copy.indexOf(from, 0, 'latin1');
  if (at < 0) throw new Error(`there is no ${from}`);
  copy.write(to, at, 'latin1');
  return copy;
}

function overwritten(bytes: Uint8Array, at: number, length: number): Buffer {
  const copy = Buffer.from(bytes);
  // No 0xff, which would be a marker.
  for (let i = at; i < at + length; i++) copy[i] = (i * 197) & 0x7f;
  return copy;
}

const image = png({ width: 7, height: 9 });
const archive = zip([
  { name: 'a/words.txt', content: text },
  { name: 'b', content: Buffer.from('stored'), stored: true },
]);

describe('whole files are opened', () => {
  test.each<[string, Uint8Array, RegExp]>([
    ['PNG', image, /^png: decoded every row of its 7 × 9 pixels/],
    ['PNG, interlaced', png({ width: 13, height: 11, interlaced: true }), /^png: decoded every row/],
    ['PNG of one pixel, interlaced', png({ width: 1, height: 1, interlaced: true }), /^png: decoded every row/],
    [
      'JPEG',
      jpeg,
      /^jpeg: read every segment and its image data to the end \(24 × 16 pixels\), and decoded it into pixels$/,
    ],
    ['JPEG of several scans', jpegOfScans(), /^jpeg: .*the data of its 2 scans.* decoded it into pixels$/],
    ['JPEG with something behind it', Buffer.concat([jpeg, text]), /^jpeg/],
    ['GIF', gif, /^gif: read every block of its image to the end, and decoded it into pixels$/],
    ['GIF without its trailer', gif.subarray(0, -1), /^gif/],
    ['WebP', webp, /^webp: read every chunk/],
    ['film', film, /^iso-media: read its 3 boxes/],
    ['zip', archive, /^zip: listed 2 entries and read the content of 2/],
    ['zip without entries', zip([]), /^zip: listed 0 entries/],
    [
      'zip behind a program',
      Buffer.concat([archive.subarray(0, 4), Buffer.alloc(500), archive]),
      /^zip: listed 2 entries/,
    ],
    ['gzip', gzip, /^gzip: decompressed all 15200 bytes, checksum right$/],
    ['gzip of several members', Buffer.concat([gzip, gzip]), /^gzip: decompressed all 30400 bytes/],
    ['PDF', pdf(), /^pdf: followed its cross-reference to 2 objects in one section/],
    ['PDF that was saved again', pdf({ saved: true }), /^pdf: .* 2 objects in 2 sections/],
    ['PDF with a stream', pdfWithStream(), /^pdf: .* 5 objects in one section/],
    ['PDF behind something', Buffer.concat([Buffer.from('junk\n'), pdf()]), /^pdf: .* 2 objects/],
  ])('%s', async (_name, bytes, expected) => {
    expect(await openedText(bytes)).toMatch(expected);
  });

  test('databases, with and without their log', async () => {
    const { database, log } = sqlite();
    expect(await openedText(database)).toBe('sqlite: opened with SQLite, integrity check is ok');
    writeFileSync(join(folder, 'with-log-wal'), log);
    writeFileSync(join(folder, 'with-log'), database);
    expect(await openFile(Buffer.from(join(folder, 'with-log')))).toMatchObject({ kind: 'opened' });
  });

  test('names that are no UTF-8', async () => {
    const path = Buffer.concat([Buffer.from(`${folder}/caf`), Buffer.from([0xe9])]);
    writeFileSync(path, sqlite().database);
    expect(await openFile(path)).toMatchObject({ kind: 'opened', format: 'sqlite' });
  });

  test.each<[string, string, readonly string[], string, RegExp]>([
    ['zip', 'zip', ['-r', 'out', '.'], 'out.zip', /^zip: listed \d entries and read the content of \d/],
    [
      'zip from a pipe',
      'sh',
      ['-c', 'zip - words.txt empty | cat > out.zip'],
      'out.zip',
      /^zip: listed 2 entries and read the content of 2/,
    ],
    [
      'zip with 64 bits',
      'sh',
      ['-c', 'zip -fz -q out.zip words.txt'],
      'out.zip',
      /^zip: listed 1 entry and read the content of 1/,
    ],
    [
      'encrypted zip',
      'zip',
      ['-P', 'x', 'out', 'words.txt'],
      'out.zip',
      /^zip: listed 1 entry and read the content of 0/,
    ],
    [
      'GNU tar',
      'tar',
      ['--format=gnu', '-cf', 'out.tar', 'words.txt', 'empty', '.'],
      'out.tar',
      /^tar: listed \d entries/,
    ],
    [
      'pax tar',
      'sh',
      ['-c', 'tar --format=pax -cf /tmp/$$.tar . && mv /tmp/$$.tar out.tar'],
      'out.tar',
      /^tar: listed 4 entries/,
    ],
    ['old tar', 'tar', ['--format=v7', '-cf', 'out.tar', 'words.txt', 'empty'], 'out.tar', /^tar: listed 2 entries/],
    ['tar in gzip', 'tar', ['-czf', 'out.tgz', 'words.txt', 'empty'], 'out.tgz', /^gzip: .*; listed 2 entries/],
    [
      'sparse tar',
      'sh',
      [
        '-c',
        'truncate -s 90M holes; for n in $(seq 30); do printf x | dd of=holes bs=1 seek=${n}000000 conv=notrunc status=none; done; tar --format=gnu -cSf out.tar holes empty',
      ],
      'out.tar',
      /^tar: listed 2 entries/,
    ],
    ['gzip', 'gzip', ['-k', 'words.txt'], 'words.txt.gz', /^gzip: decompressed all 15200 bytes/],
  ])('%s of the system', async (_name, program, args, output, expected) => {
    const bytes = archiveBy(program, args, output);
    if (bytes === undefined && spawnSync('sh', ['-c', 'command -v zip']).status !== 0) return;
    expect(await openedText(bytes ?? new Uint8Array())).toMatch(expected);
  });
});

describe('broken files are told', () => {
  test.each<[string, Uint8Array, RegExp]>([
    ['PNG that is cut', image.subarray(0, image.length - 14), /^png: it ends at byte/],
    ['PNG in its image data', changed(image, image.indexOf('IDAT') + 6), /^png: .*(checksum|compressed)/],
    ['PNG in what is not image', changed(image, image.indexOf('tEXt') + 8), /^png: the checksum of its tEXt chunk/],
    ['PNG with the checksum of its last chunk', changed(image, -1), /^png: the checksum of its IEND/],
    [
      'PNG with a row too few',
      png({ width: 7, height: 9, rows: pngRows(7, 8) }),
      /^png: 1 rows of its image are not there/,
    ],
    ['PNG with half a row', png({ width: 7, height: 9, rows: pngRows(7, 9).subarray(0, -5) }), /^png: 1 rows/],
    [
      'PNG with a filter that is none',
      png({ width: 7, height: 1, rows: Buffer.alloc(22, 5) }),
      /^png: a row has the filter 5/,
    ],
    ['PNG of impossible size', png({ width: 0, height: 9 }), /^png: its header describes no image/],
    [
      'PNG without image data',
      Buffer.concat([image.subarray(0, 33), pngChunk('IEND', Buffer.alloc(0))]),
      /^png: .*unexpected end/,
    ],
    ['JPEG that is cut', jpeg.subarray(0, -40), /^jpeg: it ends at byte 768, within its image data/],
    ['JPEG that is cut in a segment', jpeg.subarray(0, 100), /^jpeg: it ends at byte 100/],
    ['JPEG with zeros at its end', Buffer.concat([jpeg.subarray(0, -40), Buffer.alloc(40)]), /^jpeg: it ends/],
    ['JPEG with a marker that has no place there', changed(jpeg.with(-20, 0xff), -19, 0x05), /^jpeg: the marker ff 05/],
    ['JPEG with restarts out of order', replaced(jpegOfScans(), '\xff\xd1', '\xff\xd3'), /^jpeg: the restart marker/],
    [
      'JPEG with a wrong table',
      changed(jpeg, jpeg.indexOf('\xff\xc4', 0, 'latin1') + 5, 255),
      /^jpeg: the Huffman table/,
    ],
    ['JPEG without an image', Buffer.from([0xff, 0xd8, 0xff, 0xd9]), /^jpeg: there is no image in it/],
    [
      'JPEG with other image data behind sound headers',
      overwritten(flatJpeg({ width: 800, height: 800 }), 1000, 60),
      /^jpeg: its image data does not decode: Corrupt JPEG data: /,
    ],
    [
      'JPEG with less image data than its headers say',
      replaced(flatJpeg({ width: 8, height: 24 }), '\x00\x18\x00\x08', '\x00\x98\x00\x08'),
      /^jpeg: its image data does not decode: Corrupt JPEG data: premature end/,
    ],
    [
      'JPEG with image data left over',
      replaced(flatJpeg({ width: 64, height: 800 }), '\x03\x20\x00\x40', '\x00\x20\x00\x40'),
      /^jpeg: its image data does not decode: Corrupt JPEG data: \d+ extraneous bytes/,
    ],
    ['GIF with other image data', changed(gif, -3, 0xff), /^gif: its image data does not decode/],
    ['GIF that is cut', gif.subarray(0, -3), /^gif: it ends/],
    ['GIF without blocks', changed(gif, 19, 0x77), /^gif: there is no block at byte 19/],
    ['WebP that is cut', webp.subarray(0, -3), /^webp: it ends at byte/],
    ['WebP with a chunk too long', changed(webp, 16, 0x77), /^webp: a chunk of it reaches/],
    ['film that is cut', film.subarray(0, -3), /^iso-media: its mdat box ends at byte/],
    ['film without a description', replaced(film, 'moov', 'free'), /^iso-media: it does not say what is in it/],
    ['film with no box', changed(film, 4 + 24, 0), /^iso-media: /],
    ['zip that is cut', archive.subarray(0, -30), /^zip: its directory is not there/],
    ['zip with other content', changed(archive, 60), /^zip: its entry a\/words.txt /],
    [
      'zip with another checksum',
      zip([{ name: 'a', content: text, lies: { crc: 1 } }]),
      /^zip: its entry a has another checksum/,
    ],
    [
      'zip with a wrong length',
      zip([{ name: 'a', content: text, lies: { bytes: 20 } }]),
      /^zip: its entry a is longer than 20/,
    ],
    ['zip with a wrong place', zip([{ name: 'a', content: text, lies: { at: 3 } }]), /^zip: its entry a is not where/],
    ['zip with another local name', replaced(archive, 'a/words', 'b/words'), /^zip: its entry .* has another name/],
    ['zip whose entries overlap', overlapping(), /^zip: its entries overlap/],
    ['gzip that is cut', gzip.subarray(0, -9), /^gzip: its compressed data: unexpected end/],
    ['gzip with another checksum', changed(gzip, -6), /^gzip: its compressed data: incorrect data check/],
    ['gzip with a cut tar in it', gzipSync(tar().subarray(0, 700)), /^gzip: the archive ends within entry 1/],
    ['tar that is cut', tar().subarray(0, 5000), /^tar: the archive ends within entry 1/],
    ['tar with a wrong header', changed(tar(), 15_872 + 5), /^tar: the header of entry 2, at byte 15872/],
    ['PDF that is cut', pdf().subarray(0, -30), /^pdf: its end is not there/],
    [
      'PDF with a wrong place of its table',
      replaced(pdf(), 'startxref\n1', 'startxref\n0'),
      /^pdf: there is no cross-reference at byte/,
    ],
    ['PDF with an object elsewhere', replaced(pdf(), '2 0 obj', '7 0 obj'), /^pdf: its object 2 is not at byte/],
    ['PDF with a wrong entry', replaced(pdf(), ' 65535 f', ' 65x35 f'), /^pdf: the entry of object 0/],
    ['PDF without a document', replaced(pdf(), '/Root', '/Rott'), /^pdf: its trailer names no document/],
    ['PDF whose document is missing', replaced(pdf(), '/Root 1 0 R', '/Root 9 0 R'), /^pdf: its document, object 9/],
    [
      'PDF without the end of its trailer',
      replaced(pdf(), '>>\nstartxref', '>.\nstartxref'),
      /^pdf: the dictionary at byte \d+ has no end/,
    ],
    [
      'PDF with a wrong stream',
      replaced(pdfWithStream(), '/W [1 2 1]', '/W [1 9 1]'),
      /^pdf: the rows of its cross-reference/,
    ],
    [
      'PDF with a stream of other rows',
      replaced(pdfWithStream(), '/Size 6', '/Size 9'),
      /^pdf: rows of its cross-reference are missing/,
    ],
    [
      'PDF with a broken stream',
      changed(pdfWithStream(), pdfWithStream().lastIndexOf('endstream') - 10),
      /^pdf: its compressed data/,
    ],
  ])('%s', async (_name, bytes, expected) => {
    expect(await reasonOf(bytes)).toMatch(expected);
  });

  test('databases: cut, overwritten in a page, and with an index that lacks rows', async () => {
    const { database } = sqlite();
    expect(await reasonOf(database.subarray(0, database.length - 5000))).toMatch(/^sqlite: SQLite (says|finds): /);
    const damaged = Buffer.from(database);
    damaged.fill(0x5a, 8192, 8192 + 300);
    expect(await reasonOf(damaged)).toMatch(/^sqlite: SQLite (says|finds): /);
    // The index says that it holds something else.
    expect(await reasonOf(replaced(database, 'ON t (w)', 'ON t(id)'))).toMatch(/^sqlite: SQLite finds: .*index i/s);
  });

  test.each(['photo.jpg', 'Photo.PNG', 'letter.pdf', 'all.zip', 'data.sqlite'])(
    '%s that holds something else',
    async (name) => {
      expect(await open(Buffer.alloc(3000), name)).toMatchObject({
        kind: 'broken',
        reason: expect.stringMatching(/does not begin like/),
      });
    },
  );
});

describe('other files', () => {
  test('of no known kind, and empty ones, are not judged', async () => {
    expect(await open(text, 'words.txt')).toEqual({ kind: 'unknown' });
    expect(await open(new Uint8Array(), 'photo.jpg')).toEqual({ kind: 'unknown' });
  });

  test('are judged by what they hold, whatever they are called', async () => {
    expect(await open(jpeg, 'photo.png')).toMatchObject({ kind: 'opened', format: 'jpeg' });
  });

  test('a database that needs what only its program has is left open', async () => {
    const other = replaced(sqlite().database, 'COLLATE nocase', 'COLLATE nosuch');
    expect(await open(other)).toMatchObject({ kind: 'undecided', reason: expect.stringMatching(/no such collation/) });
  });
});

describe('what decompresses without end', () => {
  const limits = { inflated: 1_000_000 };
  const bomb = Buffer.alloc(50_000_000);

  test('gzip ends at the limit, and says so', async () => {
    const opening = await open(gzipSync(bomb), 'x', limits);
    expect(opening).toMatchObject({ kind: 'opened', toTheEnd: false });
  });

  test('zip ends at the limit, and says so', async () => {
    const opening = await open(
      zip([
        { name: 'a', content: bomb },
        { name: 'b', content: bomb },
      ]),
      'x',
      limits,
    );
    expect(opening).toMatchObject({ kind: 'opened', toTheEnd: false });
  });

  test('an image ends at the limit, and says so', async () => {
    const rows = Buffer.alloc(3 * 1_000_000 * 20 + 20);
    const opening = await open(png({ width: 1_000_000, height: 20, rows }), 'x', limits);
    expect(opening).toMatchObject({ kind: 'opened', toTheEnd: false });
  });

  test('an image that claims to be huge costs nothing', async () => {
    expect(await reasonOf(png({ width: 2 ** 31 - 1, height: 2 ** 31 - 1, rows: Buffer.alloc(100) }))).toMatch(
      /rows of its image/,
    );
  });
});

function tar(): Buffer {
  const bytes = archiveBy('tar', ['--format=ustar', '-cf', 'out.tar', 'words.txt', 'empty'], 'out.tar');
  if (bytes === undefined) throw new Error('needs tar');
  return bytes;
}

/** Three entries of the same bytes. */
function overlapping(): Buffer {
  const one = zip([{ name: 'a', content: Buffer.alloc(2000, 1), stored: true }]);
  const central = one.subarray(one.indexOf('PK\x01\x02', 0, 'latin1'), -22);
  const end = Buffer.from(one.subarray(-22));
  for (const at of [8, 10]) end.writeUInt16LE(30, at);
  end.writeUInt32LE(central.length * 30, 12);
  return Buffer.concat([
    one.subarray(0, one.length - central.length - 22),
    ...Array.from({ length: 30 }, () => central),
    end,
  ]);
}

describe('large images', () => {
  const megapixels = { width: 16_384, height: 12_288 };

  test('of 200 megapixels are decoded in a fraction of the memory that their pixels take', async () => {
    const before = process.memoryUsage().rss;
    const opening = await open(flatJpeg(megapixels));
    expect(opening).toMatchObject({ kind: 'opened', did: expect.stringMatching(/decoded it into pixels$/) });
    expect(process.memoryUsage().rss - before).toBeLessThan(200e6);
  });

  test('that would take more than is given are gone through, and said not to be decoded', async () => {
    const did = await openedText(flatJpeg({ ...megapixels, progressive: true }));
    expect(did).toMatch(/the data of its 2 scans to the end .* it is too large to be decoded$/);
    expect(await openedText(jpeg)).toMatch(/decoded it into pixels$/);
  });
});
