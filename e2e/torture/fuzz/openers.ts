/** What a drill reads: restored files, which may hold anything, and its own history. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SpoiledDecoderError } from '../../../packages/drill/src/errors.ts';
import { decodeHistory, encodeHistory } from '../../../packages/drill/src/history/history-codec.ts';
import {
  film,
  gif,
  gzip,
  jpeg,
  jpegOfScans,
  pdf,
  pdfWithStream,
  png,
  sqlite,
  text,
  webp,
  zip,
} from '../../../packages/drill/src/opening/_files.ts';
import { bytesAsFile } from '../../../packages/drill/src/opening/file-bytes.ts';
import { formatNamed, formatOf } from '../../../packages/drill/src/opening/format.ts';
import { type DecodedFormat, decodeImage } from '../../../packages/drill/src/opening/image-decoder.ts';
import { openers } from '../../../packages/drill/src/opening/open-file.ts';
import { openSqlite } from '../../../packages/drill/src/opening/sqlite.ts';
import { type Decoder, reader } from './decoder.ts';

const scratch = mkdtempSync(join(tmpdir(), 'keephold-fuzz-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

/** Little enough that no execution takes long. */
const limits = { inflated: 1 << 20 };

const seeds: Readonly<Record<keyof typeof openers, readonly Uint8Array[]>> = {
  png: [png({ width: 7, height: 9 }), png({ width: 13, height: 11, interlaced: true })],
  jpeg: [jpeg, jpegOfScans()],
  gif: [gif],
  webp: [webp],
  'iso-media': [film],
  zip: [
    zip([
      { name: 'a', content: text },
      { name: 'b/c', content: text.subarray(0, 50), stored: true },
    ]),
    zip([]),
  ],
  gzip: [gzip],
  tar: [tar()],
  pdf: [pdf(), pdf({ saved: true }), pdfWithStream()],
};

export const opened: readonly Decoder[] = [
  ...Object.entries(openers).map(([name, open]) =>
    reader(`open-${name}`, seeds[name as keyof typeof openers], (bytes) => open(bytesAsFile(bytes), limits)),
  ),
  // Each is a file for SQLite, whose own code is not counted.
  { ...reader('open-sqlite', [sqlite().database], inSqlite), share: 0.05 },
  // Whose own code is not counted, either.
  { ...reader('decode-jpeg', seeds.jpeg, inMagick('jpeg')), share: 0.1 },
  { ...reader('decode-gif', seeds.gif, inMagick('gif')), share: 0.1 },
  reader('open-format', [jpeg, tar(), pdf()], (bytes) => [formatOf(bytes), formatNamed(bytes)]),
  reader('drill-history', [history()], decodeHistory),
];

function inSqlite(bytes: Uint8Array): void {
  const path = join(scratch, 'database');
  for (const suffix of ['', '-wal', '-journal']) rmSync(path + suffix, { force: true });
  writeFileSync(path, bytes);
  openSqlite(Buffer.from(path), bytes.length);
}

/** An image that spoils the decoder is found, and not one more that is broken. */
function inMagick(format: DecodedFormat): (bytes: Uint8Array) => Promise<unknown> {
  return async (bytes) => {
    try {
      return await decodeImage(bytesAsFile(bytes), format);
    } catch (error) {
      if (error instanceof SpoiledDecoderError) throw error.cause;
      throw error;
    }
  };
}

/** Two entries, as ustar has them. */
function tar(): Uint8Array {
  const entry = (name: string, content: string): Uint8Array[] => {
    const header = Buffer.alloc(512);
    header.write(name);
    header.write('0000644\0', 100);
    header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
    header.write('        0', 148);
    header.write('ustar\x0000', 257);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    return [header, Buffer.from(content.padEnd(Math.ceil(content.length / 512) * 512, '\0'))];
  };
  return Buffer.concat([...entry('a', 'x'.repeat(600)), ...entry('b', ''), Buffer.alloc(1024)]);
}

function history(): Uint8Array {
  const run = { at: 1, seed: 2, snapshots: [1], files: 1, bytes: 5, firstFileMs: 3, restoreMs: 4, counts: { good: 1 } };
  const problems = [{ outcome: 'damaged', path: '/a', reason: 'why' }];
  return encodeHistory([{ ...run, result: 'good', problems, drilled: '0123456789abcdef' }]);
}
