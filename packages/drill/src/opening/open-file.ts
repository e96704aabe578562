/** Opens a file as its format asks. What the bytes are decides, not the name; the name counts where they say nothing. */
import { BrokenFileError, UndecidedFileError } from '../errors.ts';
import { type FileBytes, OpenFile } from './file-bytes.ts';
import { type Format, formatNamed, formatOf, HEAD_BYTES } from './format.ts';
import { openGif } from './gif.ts';
import { openGzip } from './gzip.ts';
import { type DecodedFormat, decodeImage } from './image-decoder.ts';
import { openIsoMedia } from './iso-media.ts';
import { openJpeg } from './jpeg.ts';
import { type Done, OPENING_LIMITS, type Opening, type OpeningLimits } from './opened.ts';
import { openPdf } from './pdf.ts';
import { openPng } from './png.ts';
import { openSqlite } from './sqlite.ts';
import { openTar } from './tar.ts';
import { openWebp } from './webp.ts';
import { openZip } from './zip.ts';

type BytesOpener = (file: FileBytes, limits: OpeningLimits) => Done | Promise<Done>;

/** Those that need bytes alone. Each is given hostile ones: it ends, in bounded memory, with an answer or a DrillError. */
export const openers: Readonly<Record<Exclude<Format, 'sqlite'>, BytesOpener>> = {
  png: openPng,
  jpeg: openJpeg,
  gif: openGif,
  webp: openWebp,
  'iso-media': openIsoMedia,
  zip: openZip,
  gzip: openGzip,
  tar: openTar,
  pdf: openPdf,
};

/**
 * `path`: of a copy, which SQLite may write beside.
 * @throws what the system answers when it cannot be read
 */
export async function openFile(path: Uint8Array, limits: OpeningLimits = OPENING_LIMITS): Promise<Opening> {
  using file = new OpenFile(path);
  if (file.size === 0) return { kind: 'unknown' };
  const format = formatOf(file.read(0, Math.min(file.size, HEAD_BYTES)));
  const promised = formatNamed(path);
  if (format === undefined) {
    if (promised === undefined) return { kind: 'unknown' };
    return {
      kind: 'broken',
      format: promised,
      reason: `it does not begin like the ${promised} that its name says it is`,
    };
  }
  try {
    const gone = format === 'sqlite' ? openSqlite(path, file.size) : await openers[format](file, limits);
    const done = isDecoded(format) ? await withPixels(file, format, gone) : gone;
    return { kind: 'opened', format, ...done };
  } catch (error) {
    if (error instanceof BrokenFileError) return { kind: 'broken', format, reason: error.message };
    if (error instanceof UndecidedFileError) return { kind: 'undecided', format, reason: error.message };
    throw error;
  }
}

function isDecoded(format: Format): format is DecodedFormat {
  return format === 'jpeg' || format === 'gif';
}

/** What was gone through is decoded, too. */
async function withPixels(file: FileBytes, format: DecodedFormat, { did, toTheEnd }: Done): Promise<Done> {
  const decoded = await decodeImage(file, format);
  if (decoded.kind === 'decoded') return { did: `${did}, and decoded it into pixels`, toTheEnd };
  return { did: `${did}; ${decoded.reason}`, toTheEnd };
}
