/**
 * The table of committed blobs as the main thread sees it: opened at the start of a run, changed after its commits.
 *
 * Blobs are written into their blocks where they stand, so that a run pays for what it adds and not for what is there;
 * only a table that gets too full is written anew, half as large again. What a crash leaves half done is true all the
 * same: a record is written after the commit that makes it so, and names a pack whose number is durable by then.
 */
import { closeSync, fdatasyncSync, ftruncateSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { readU32 } from '@keephold/bytes';
import { BlobFilter, createFilter } from './blob-filter.ts';
import { type FilteredTable, readFilter, writeFilter, writeFilterPages } from './filter-file.ts';
import type { SharedTable } from './known-blobs.ts';
import { encodeTableHead, readTableHead, type TableHead, tablePath, writeFully } from './known-table-file.ts';
import { BLOCK_BYTES, type BlobInPack, RECORDS_PER_BLOCK } from './table-block.ts';
import { forEachBlob, type TableLayout, TableWriter } from './table-writer.ts';

const MAX_LOAD = 0.85;
const GROWTH = 1.5;
const FEWEST_BLOCKS = 32;

/** The fewest blocks for so many blobs. */
export function blocksFor(blobs: number): number {
  return Math.max(FEWEST_BLOCKS, Math.ceil(blobs / (RECORDS_PER_BLOCK * MAX_LOAD)));
}

/** What is to know of all packs, by number. */
export type KnownPacks = Pick<SharedTable, 'packWords' | 'deadPacks'>;

/** Blobs to enter, in the order of their ids as far as that is easy. */
export interface BlobsToEnter {
  readonly count: number;
  readonly each: (enter: (blob: BlobInPack) => void) => void;
}

export class CommittedTable {
  readonly #folder: string;
  readonly #numbering: Uint8Array;
  #blocks: number;
  #filter: SharedArrayBuffer;
  #records: number;

  private constructor(
    folder: string,
    state: Pick<TableHead, 'blocks' | 'records' | 'numbering'>,
    filter: SharedArrayBuffer,
  ) {
    this.#folder = folder;
    this.#numbering = state.numbering;
    this.#blocks = state.blocks;
    this.#records = state.records;
    this.#filter = filter;
  }

  /** A table of nothing, whose file has no head yet. */
  static empty(folder: string, numbering: Uint8Array): CommittedTable {
    const blocks = FEWEST_BLOCKS;
    rmSync(tablePath(folder), { force: true });
    closeSync(createFile(tablePath(folder), blocks));
    const filter = createFilter(blocks);
    writeFilter({ folder, blocks, numbering }, filter);
    return new CommittedTable(folder, { blocks, records: 0, numbering }, filter);
  }

  /** Undefined when the file is not the one that `head` is of. */
  static open(folder: string, head: TableHead, packWords: SharedArrayBuffer): CommittedTable | undefined {
    const { blocks, numbering } = head;
    if (blocks === 0 || statSync(tablePath(folder)).size !== (blocks + 1) * BLOCK_BYTES) return undefined;
    const filter = readFilter({ folder, blocks, numbering });
    const table = new CommittedTable(folder, head, filter ?? createFilter(blocks));
    if (filter === undefined) table.#filterAnew(packWords);
    return table;
  }

  get records(): number {
    return this.#records;
  }

  get blocks(): number {
    return this.#blocks;
  }

  /** For threads to look blobs up in. */
  shared(packs: KnownPacks): SharedTable {
    return { path: tablePath(this.#folder), blocks: this.#blocks, filter: this.#filter, ...packs, seed: this.#seed };
  }

  /** Enters blobs whose packs are numbered durably. Nobody looks anything up meanwhile. */
  enter(blobs: BlobsToEnter, packs: KnownPacks): void {
    const needed = blocksFor(this.#records + blobs.count);
    if (needed > this.#blocks) this.#grow(Math.ceil(needed * GROWTH), blobs, packs);
    else this.#enterInPlace(blobs, packs);
  }

  /** Says what the file holds from now on. */
  writeHead(head: Omit<TableHead, 'blocks' | 'records' | 'numbering'>): void {
    withFile(tablePath(this.#folder), (file) => this.#writeHead(file, head));
  }

  #writeHead(file: number, head: Omit<TableHead, 'blocks' | 'records' | 'numbering'>): void {
    const { blocks, records } = this;
    writeFully(file, encodeTableHead({ ...head, blocks, records, numbering: this.#numbering }), 0);
  }

  #enterInPlace(blobs: BlobsToEnter, { packWords }: KnownPacks): void {
    const filter = new BlobFilter(this.#filter);
    const pages = new Set<number>();
    withFile(tablePath(this.#folder), (file) => {
      const writer = new TableWriter(file, this.#layout(packWords), blobs.count);
      blobs.each((blob) => {
        this.#records += writer.enter(blob);
        pages.add(filter.add(blob.ids, blob.at));
      });
      writer.finish();
    });
    writeFilterPages(this.#filtered, this.#filter, pages);
  }

  /** Writes the table anew with `blocks`, without the blobs of packs that are gone, and puts it in place as a whole. */
  #grow(blocks: number, blobs: BlobsToEnter, { packWords, deadPacks }: KnownPacks): void {
    const path = tablePath(this.#folder);
    const dead = new Uint8Array(deadPacks);
    const old = this.#layout(packWords);
    const filterBytes = createFilter(blocks);
    const filter = new BlobFilter(filterBytes);
    const grown = createFile(`${path}.new`, blocks);
    try {
      const writer = new TableWriter(grown, { ...old, blocks }, Number.POSITIVE_INFINITY);
      this.#records = 0;
      const enter = (blob: BlobInPack): void => {
        this.#records += writer.enter(blob);
        filter.add(blob.ids, blob.at);
      };
      withFile(path, (file) => {
        forEachBlob(file, old, (blob) => {
          if ((((dead[blob.pack >> 3] ?? 0) >> (blob.pack & 7)) & 1) === 0) enter(blob);
        });
        blobs.each(enter);
        writer.finish();
        this.#blocks = blocks;
        this.#writeHead(grown, readTableHead(file)!);
      });
      fdatasyncSync(grown);
    } finally {
      closeSync(grown);
    }
    renameSync(`${path}.new`, path);
    this.#filter = filterBytes;
    writeFilter(this.#filtered, filterBytes);
  }

  #filterAnew(packWords: SharedArrayBuffer): void {
    const filter = new BlobFilter(this.#filter);
    withFile(tablePath(this.#folder), (file) =>
      forEachBlob(file, this.#layout(packWords), ({ ids, at }) => void filter.add(ids, at)),
    );
    writeFilter(this.#filtered, this.#filter);
  }

  get #filtered(): FilteredTable {
    return { folder: this.#folder, blocks: this.#blocks, numbering: this.#numbering };
  }

  #layout(packWords: SharedArrayBuffer): TableLayout {
    return { blocks: this.#blocks, numbering: { packWords: new Uint32Array(packWords), seed: this.#seed } };
  }

  get #seed(): number {
    return readU32(this.#numbering, 0);
  }
}

/** A file of so many empty blocks. */
function createFile(path: string, blocks: number): number {
  const file = openSync(path, 'w+', 0o600);
  ftruncateSync(file, (blocks + 1) * BLOCK_BYTES);
  return file;
}

function withFile(path: string, use: (file: number) => void): void {
  const file = openSync(path, 'r+');
  try {
    use(file);
  } finally {
    closeSync(file);
  }
}
