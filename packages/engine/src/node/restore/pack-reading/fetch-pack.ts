/**
 * Brings the wanted pages of a pack into an area. The whole pack when 40 % of it or more is wanted (format.md §4), else
 * the pages of the wanted frames, neighbours joined. What is not there stays as it is in the area: its pages do not
 * open then, which is how a short or missing pack is noticed.
 */
import { PAGE_BYTES, SEALED_PAGE_BYTES } from '@keephold/crypto/bulk';
import { PACK_HEADER_LENGTH, packLength } from '@keephold/protocol';
import type { PackRecord } from '../../../reading/blob-locations.ts';
import { WANTED_FRAME_WORDS } from './pack-request.ts';
import type { PackSource } from './pack-source.ts';

const WHOLE_PACK_SHARE = 0.4;
/** Reading a gap of this many pages costs less than another request. */
const JOINED_GAP = 8;

interface Pages {
  readonly first: number;
  /** After the last. */
  readonly end: number;
}

/** Answers the bytes read; undefined when the pack is not there. */
export async function fetchFrames(
  source: PackSource,
  pack: PackRecord,
  area: Uint8Array,
  frames: Uint32Array,
): Promise<number | undefined> {
  const { ranges, wanted } = wantedPages(frames);
  if (wanted >= pack.pageCount * WHOLE_PACK_SHARE) return await fetchWhole(source, pack, area);
  const reads = ranges.map(async ({ first, end }) => {
    const into = area.subarray(
      PACK_HEADER_LENGTH + first * SEALED_PAGE_BYTES,
      PACK_HEADER_LENGTH + end * SEALED_PAGE_BYTES,
    );
    return await source.getPack(pack.packId, into, { first, count: end - first });
  });
  const lengths = await Promise.all(reads);
  return lengths.includes(undefined) ? undefined : lengths.reduce<number>((sum, length) => sum + length!, 0);
}

/** The whole pack with its header; one byte more is asked for, so that a file that is too long is seen. */
export async function fetchWhole(source: PackSource, pack: PackRecord, area: Uint8Array): Promise<number | undefined> {
  return await source.getPack(pack.packId, area.subarray(0, packLength(pack.pageCount) + 1));
}

/** `frames` are rows of WANTED_FRAME_WORDS in the order of the pack. */
function wantedPages(frames: Uint32Array): { readonly ranges: readonly Pages[]; readonly wanted: number } {
  const ranges: Pages[] = [];
  let wanted = 0;
  let last: { first: number; end: number } | undefined;
  for (let at = 0; at < frames.length; at += WANTED_FRAME_WORDS) {
    const first = Math.floor(frames[at]! / PAGE_BYTES);
    const end = Math.ceil((frames[at]! + frames[at + 1]!) / PAGE_BYTES);
    wanted += end - Math.max(first, last?.end ?? 0);
    if (last !== undefined && first <= last.end + JOINED_GAP) last.end = end;
    else ranges.push((last = { first, end }));
  }
  return { ranges, wanted };
}
