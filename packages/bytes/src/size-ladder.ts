/**
 * The few sizes a pack may have (format.md §4), counted in pages. They are all the server learns about how much
 * a commit stored, so nothing may invent a size of its own.
 */

import { OutOfRangeError } from './errors.ts';

/** 1 data, 2 meta. */
export type PackKind = 1 | 2;

const DATA_FULL = 256;
const META_FULL = 64;
const SHORT: readonly number[] = [
  1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224,
];
const SHORT_META: readonly number[] = SHORT.filter((pages) => pages < META_FULL);

/** Pages of a pack that is not the short one of its commit. */
export function fullPages(kind: PackKind): number {
  return kind === 1 ? DATA_FULL : META_FULL;
}

/** Allowed page counts below the full size, ascending. */
export function packPageCounts(kind: PackKind): readonly number[] {
  return kind === 1 ? SHORT : SHORT_META;
}

/**
 * Smallest allowed page count that holds `neededPages`.
 * @throws OutOfRangeError when it is no positive integer or more than a full pack.
 */
export function ladderPages(kind: PackKind, neededPages: number): number {
  const full = fullPages(kind);
  if (!Number.isInteger(neededPages) || neededPages < 1 || neededPages > full) {
    throw new OutOfRangeError(`choose pack size: ${neededPages} pages, allowed are 1 to ${full}`);
  }
  return packPageCounts(kind).find((pages) => pages >= neededPages) ?? full;
}

/** Whether a pack of this kind may have `pages` pages, as the full or as the short one. */
export function isAllowedPageCount(kind: PackKind, pages: number): boolean {
  return pages === fullPages(kind) || packPageCounts(kind).includes(pages);
}
