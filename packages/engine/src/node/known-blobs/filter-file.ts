/**
 * The file known-filter: the filter of a table of known blobs, so that nobody has to read the table for it.
 *
 * ```
 * head (4096) = "KHKF" ‖ version u32 ‖ blocks u32 ‖ numbering 16 ‖ zeros      then the lines (blob-filter.ts)
 * ```
 * What is missing in it makes blobs be stored once more; what is there in excess is noticed in the table. So it carries
 * no check.
 */
import { closeSync, existsSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { equalBytes, writeU32 } from '@keephold/bytes';
import { createFilter, FILTER_PAGE_BYTES } from './blob-filter.ts';
import { readFully, writeFully, writeWhole } from './known-table-file.ts';

const MAGIC = 0x464b_484b;
const VERSION = 1;

/** The table that a filter is of. */
export interface FilteredTable {
  readonly folder: string;
  readonly blocks: number;
  readonly numbering: Uint8Array;
}

/** Undefined when there is none of this table. */
export function readFilter(table: FilteredTable): SharedArrayBuffer | undefined {
  if (!existsSync(pathIn(table.folder))) return undefined;
  const file = openSync(pathIn(table.folder), 'r');
  try {
    const head = new Uint8Array(FILTER_PAGE_BYTES);
    if (!readFully(file, head, 0) || !equalBytes(head, encodeHead(table))) return undefined;
    const filter = createFilter(table.blocks);
    return readFully(file, new Uint8Array(filter), FILTER_PAGE_BYTES) ? filter : undefined;
  } finally {
    closeSync(file);
  }
}

export function writeFilter(table: FilteredTable, filter: SharedArrayBuffer): void {
  writeWhole(pathIn(table.folder), [encodeHead(table), new Uint8Array(filter)]);
}

/** Writes some pages of it (FILTER_PAGE_BYTES) over those of the file. */
export function writeFilterPages(table: FilteredTable, filter: SharedArrayBuffer, pages: Iterable<number>): void {
  const file = openSync(pathIn(table.folder), 'r+');
  try {
    for (const page of pages) {
      const from = page * FILTER_PAGE_BYTES;
      const bytes = new Uint8Array(filter, from, Math.min(FILTER_PAGE_BYTES, filter.byteLength - from));
      writeFully(file, bytes, FILTER_PAGE_BYTES + from);
    }
  } finally {
    closeSync(file);
  }
}

function pathIn(folder: string): string {
  return join(folder, 'known-filter');
}

function encodeHead({ blocks, numbering }: FilteredTable): Uint8Array {
  const head = new Uint8Array(FILTER_PAGE_BYTES);
  [MAGIC, VERSION, blocks].forEach((value, i) => writeU32(head, i * 4, value));
  head.set(numbering, 12);
  return head;
}
