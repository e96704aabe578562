/**
 * Opens a PDF as readers do (ISO 32000-2, 7.5): header, the end that says where the cross-reference lies, every section
 * of that (table or stream) with its trailer, and whether each object it names is where it says. It does not render pages.
 */
import { BrokenFileError } from '../errors.ts';
import type { FileBytes } from './file-bytes.ts';
import { latin1 } from './format.ts';
import { InflateBudget } from './inflate.ts';
import type { Done, OpeningLimits } from './opened.ts';
import { PdfObjects } from './pdf-objects.ts';
import type { PdfTrailer } from './pdf-trailer.ts';
import { readXrefStream } from './pdf-xref-stream.ts';
import { readXrefTable } from './pdf-xref-table.ts';

const HEAD = 1032;
/** Readers look for the end in the last 1,024 bytes; some writers put more behind it. */
const TAIL = 4096;
/** Sections one behind the other: one for each time a file was saved by adding to it. */
const MAX_SECTIONS = 2000;

export async function openPdf(file: FileBytes, limits: OpeningLimits): Promise<Done> {
  const base = headerAt(file);
  const objects = new PdfObjects(file, base);
  const budget = new InflateBudget(limits.inflated);
  const pending = [lastSection(file) + base];
  const seen = new Set<number>();
  let root: number | undefined;
  for (let at = pending.shift(); at !== undefined; at = pending.shift()) {
    if (seen.has(at)) continue;
    if (seen.size >= MAX_SECTIONS) throw new BrokenFileError('its cross-reference has no end');
    seen.add(at);
    const trailer = await section(file, at, objects, budget);
    root ??= trailer.root;
    pending.push(...trailer.next.map((offset) => offset + base));
  }
  if (root === undefined) throw new BrokenFileError('its trailer names no document');
  if (!objects.has(root)) throw new BrokenFileError(`its document, object ${root}, is not in its cross-reference`);
  const found = `followed its cross-reference to ${objects.found} objects`;
  return {
    did: `${found} in ${seen.size === 1 ? 'one section' : `${seen.size} sections`} (not rendered)`,
    toTheEnd: !objects.isLimited,
  };
}

/** Places in the file count from its header. */
function headerAt(file: FileBytes): number {
  const head = latin1(file.read(0, Math.min(file.size, HEAD)));
  const at = head.search(/%PDF-\d\.\d/);
  if (at < 0) throw new BrokenFileError('its header names no version');
  return at;
}

function lastSection(file: FileBytes): number {
  const length = Math.min(file.size, TAIL);
  const tail = latin1(file.read(file.size - length, length));
  const found = /^startxref\s{1,10}(\d{1,15})\s{1,10}%%EOF/.exec(
    tail.slice(Math.max(0, tail.lastIndexOf('startxref'))),
  );
  if (found === null) throw new BrokenFileError('its end is not there: it is cut short');
  return Number(found[1]);
}

async function section(file: FileBytes, at: number, objects: PdfObjects, budget: InflateBudget): Promise<PdfTrailer> {
  if (at >= file.size) throw new BrokenFileError(`its cross-reference would begin at byte ${at} of ${file.size}`);
  const begin = latin1(file.read(at, Math.min(64, file.size - at)));
  if (/^\s{0,8}xref\s/.test(begin)) return readXrefTable(file, at + begin.indexOf('xref'), objects);
  if (/^\s{0,8}\d{1,10}\s+\d{1,5}\s+obj/.test(begin)) return await readXrefStream({ file, at, objects, budget });
  throw new BrokenFileError(`there is no cross-reference at byte ${at}`);
}
