/**
 * Turns the entries of a directory that changed into nodes, and the directory into a tree when the last of them is
 * there. Marks every pack that holds something new entries refer to.
 */
import { contentRowsLength, encodeNode, nodeSequence } from '../../node-encoding.ts';
import { FS_SNAPSHOT, LIVE, NodeType, PLACEHOLDER, SQLITE_BACKUP } from '../../node-fields.ts';
import { type EntryDetails, LINKS_WORD, nodeTypeOf, STAT_ROW_WORDS, sizeOf } from '../../source.ts';
import type { EntryStretch } from '../tree-cache/kept-entries.ts';
import { type EntryToCache, encodeDirectory } from '../tree-cache/tree-cache-writer.ts';
import type { DirectoryJob } from './directory-job.ts';
import { type FileResult, RECORD_PLACE } from './file-results.ts';
import { joinPath } from './paths.ts';
import type { CaptureCause } from './run-counters.ts';
import type { StoredTree } from './tree-store.ts';
import type { TreesThatStand } from './trees-that-stand.ts';
import type { WalkParts } from './walk-parts.ts';

/** What became of a visited directory. */
export type Visited =
  /** As in this cache file. */
  | {
      readonly kind: 'unchanged';
      readonly subtree: Uint8Array;
      readonly file: number;
      /** Taken over without a look at the disk. */
      readonly isCarried?: true;
    }
  | { readonly kind: 'job'; readonly job: DirectoryJob }
  | { readonly kind: 'failed'; readonly code: string }
  /** No longer there, or no directory any more. */
  | { readonly kind: 'gone' };

type NodeParts = Omit<Parameters<typeof encodeNode>[3], 'type' | 'details'>;

const NO_TREE: StoredTree = { id: new Uint8Array(32), kind: 2, bytes: 0, places: [] };

export class DirectoryCapture {
  readonly #parts: WalkParts;

  constructor(parts: WalkParts) {
    this.#parts = parts;
  }

  /** Captures entry `i`; files are queued and come back later. */
  capture(
    job: DirectoryJob,
    i: number,
    options: { readonly child: Visited | undefined; readonly cause: CaptureCause },
  ): void {
    const { stats, rows } = job.listing;
    const row = rows[i]!;
    const type = nodeTypeOf(stats, row);
    if (type === undefined) return this.reportUnreadable(this.#path(job, i), 'a kind of entry that cannot be kept');
    if (this.#parts.isTooYoung(stats, row * STAT_ROW_WORDS)) job.volatile.add(i);
    if (type === NodeType.directory) this.#captureDirectory(job, i, options.child!);
    else if (type === NodeType.file) this.#captureFile(job, i, options.cause);
    else {
      this.#parts.counters.otherEntries++;
      this.#set(job, i, type, {});
    }
  }

  /** Stores the tree of a directory that has all its nodes, and goes on with the parent that waits for it. */
  finishIfDone(job: DirectoryJob): void {
    if (!job.isDone) return;
    job.tree = this.#parts.mode === 'look' ? NO_TREE : this.#storeTree(job);
    const { tree, parent: place } = job;
    job.release();
    if (place === undefined) return;
    const { job: parent, index } = place;
    this.#set(parent, index, NodeType.directory, { subtree: tree.id });
    parent.waitsFor.delete(index);
    parent.pending--;
    this.finishIfDone(parent);
  }

  reportUnreadable(path: Uint8Array, error: string): void {
    this.#parts.counters.unreadable.push({ path, error });
  }

  /** Stores a tree of nodes that are done, for a checkpoint; answers its id. */
  storePartial(nodes: readonly Uint8Array[]): Uint8Array {
    const tree = this.#parts.trees().storeTree(nodeSequence(nodes));
    this.#markUsed(tree.places);
    return tree.id;
  }

  /** The tree of a directory, for a checkpoint: of one that is not done, as far as it is. */
  storePartialJob(job: DirectoryJob, trees: TreesThatStand): Uint8Array {
    if (job.tree !== undefined) return trees.instead(job.tree.id);
    const nodes: Uint8Array[] = [];
    for (let i = 0; i < job.listing.count; i++) {
      const below = job.waitsFor.get(i);
      const node =
        below === undefined
          ? this.partialNode(job, i, trees)
          : this.encodeDirectory(job, i, this.storePartialJob(below, trees));
      if (node !== undefined) nodes.push(node);
    }
    return this.storePartial(nodes);
  }

  /** The node of entry `i`, for a checkpoint; undefined while it is missing or not stored. */
  partialNode(job: DirectoryJob, i: number, trees: TreesThatStand): Uint8Array | undefined {
    if (job.kept?.has(i)) return job.kept.places(i).every(trees.stands) ? trees.adapt(job.kept.node(i)) : undefined;
    const node = job.nodes[i];
    if (node === undefined || !Array.prototype.every.call(job.places[i] ?? [], trees.stands)) return undefined;
    return trees.adapt(node);
  }

  /** A directory's node, for a checkpoint. */
  encodeDirectory(
    job: Pick<DirectoryJob, 'path' | 'listing' | 'rows'>,
    i: number,
    subtree: Uint8Array,
  ): Uint8Array | undefined {
    return this.#encode(job, i, NodeType.directory, { subtree });
  }

  #captureDirectory(job: DirectoryJob, i: number, child: Visited): void {
    if (child.kind === 'gone') return;
    if (child.kind === 'failed') {
      this.reportUnreadable(this.#path(job, i), child.code);
      job.volatile.add(i);
      this.#set(job, i, NodeType.directory, { note: `unreadable: ${child.code}` });
    } else if (child.kind === 'unchanged') {
      this.#set(job, i, NodeType.directory, { subtree: child.subtree });
    } else if (child.job.tree !== undefined) {
      this.#set(job, i, NodeType.directory, { subtree: child.job.tree.id });
    } else {
      child.job.parent = { job, index: i };
      job.waitsFor.set(i, child.job);
      job.pending++;
    }
  }

  #captureFile(job: DirectoryJob, i: number, cause: CaptureCause): void {
    const { counters, files, mode } = this.#parts;
    const { stats, rows } = job.listing;
    const size = sizeOf(stats, rows[i]!);
    const count = (bytes: number): void => {
      counters.countFile(cause, bytes);
    };
    if (size === 0 || mode === 'look') {
      count(size);
      return this.#set(job, i, NodeType.file, { size: 0 });
    }
    const path = this.#path(job, i);
    const family = job.families.get(i);
    const elsewhere = family === undefined ? this.#parts.source.livesElsewhere(path, stats, rows[i]!) : undefined;
    if (elsewhere !== undefined) {
      count(0);
      return this.#setPlaceholder(job, i, elsewhere);
    }
    const frozenPath = this.#parts.source.frozen?.pathOf(path);
    job.pending++;
    const finish = (capture: () => void): void => {
      capture();
      job.pending--;
      this.finishIfDone(job);
    };
    const onRead = (result: FileResult): void => finish(() => this.#fileRead(job, i, result, count));
    const at = rows[i]! * STAT_ROW_WORDS;
    if (frozenPath !== undefined)
      return files.addFrozen(frozenPath, stats, at, (result) => onRead({ ...result, isFrozen: true }));
    if (family === undefined) return files.add(path, stats, at, onRead);
    const row = stats.slice(at, at + STAT_ROW_WORDS);
    const onHeld = (): void => finish(() => this.#setHeld(job, i, count));
    family.add(i, { path, row, onRead, onHeld });
  }

  #setPlaceholder(job: DirectoryJob, i: number, elsewhere: string): void {
    const { counters } = this.#parts;
    counters.captured.placeholder++;
    counters.notes.push({ path: this.#path(job, i), note: `lives in ${elsewhere}, not captured` });
    this.#set(job, i, NodeType.file, { note: PLACEHOLDER });
  }

  /** A log or journal whose content is in the copy of its database. */
  #setHeld(job: DirectoryJob, i: number, count: (bytes: number) => void): void {
    count(0);
    this.#set(job, i, NodeType.file, { size: 0, note: SQLITE_BACKUP });
  }

  #fileRead(job: DirectoryJob, i: number, result: FileResult, count: (bytes: number) => void): void {
    if (result.outcome === 'gone') return;
    if (result.outcome === 'failed') {
      this.reportUnreadable(this.#path(job, i), result.errorCode);
      job.volatile.add(i);
      return this.#set(job, i, NodeType.file, { note: `unreadable: ${result.errorCode}` });
    }
    if (result.changedRow !== undefined) {
      job.rows.set(i, result.changedRow);
      if (this.#parts.isTooYoung(result.changedRow, 0)) job.volatile.add(i);
    }
    this.#tellHow(job, i, result);
    const { stats, row } = rowOf(job, i);
    const size = result.isCopy === true ? contentRowsLength(result.parts) : sizeOf(stats, row);
    const places = [...result.places];
    const content = this.#parts.trees().storeContent(result.parts, places);
    this.#set(job, i, NodeType.file, { size, content, holes: result.holes, note: captureNote(result) });
    job.places[i] = places;
    this.#markUsed(places);
    count(size);
  }

  /** Tells the user of what was not read plainly. */
  #tellHow(job: DirectoryJob, i: number, { live, isCopy, notCopied }: FileResult): void {
    const { captured, notes } = this.#parts.counters;
    if (isCopy === true) captured.sqliteBackup++;
    if (notCopied !== undefined)
      notes.push({ path: this.#path(job, i), note: `database read like any other file: ${notCopied}` });
    if (!live) return;
    job.volatile.add(i);
    captured.live++;
    notes.push({ path: this.#path(job, i), note: 'changed while it was read' });
  }

  #storeTree(job: DirectoryJob): StoredTree {
    const tree = this.#parts.trees().storeTree(job.allNodes);
    this.#markUsed(tree.places);
    const entries: (EntryToCache | EntryStretch)[] = [];
    const { names } = job.listing;
    for (let i = 0; i < names.length; i++) {
      if (job.kept?.has(i)) {
        const stretch = job.kept.stretchFrom(i);
        entries.push(stretch);
        i += stretch.count - 1;
        continue;
      }
      const node = job.nodes[i];
      if (node === undefined) {
        this.#parts.again.add(job.path);
        continue;
      }
      const { stats, row } = rowOf(job, i);
      if (stats[row * STAT_ROW_WORDS + LINKS_WORD]! > 1 && nodeTypeOf(stats, row) !== NodeType.directory)
        this.#parts.again.add(job.path);
      const places = job.places[i] ?? [];
      entries.push({ name: names[i]!, stats, row: row * STAT_ROW_WORDS, volatile: job.volatile.has(i), node, places });
    }
    if (job.volatile.size > 0) this.#parts.again.add(job.path);
    const record = encodeDirectory({ path: job.path, subtree: tree, places: tree.places, entries });
    this.#parts.records.put(job.sequence, { kind: 'record', bytes: record });
    return tree;
  }

  /** Packs of earlier runs; those of this run are all needed anyway. */
  #markUsed(places: readonly number[]): void {
    const { used, adoptedPack } = this.#parts;
    for (const place of places) {
      const pack = place < RECORD_PLACE ? place : adoptedPack(place - RECORD_PLACE);
      if (pack !== undefined) used.add(pack);
    }
  }

  #set(job: DirectoryJob, i: number, type: number, body: NodeParts): void {
    job.nodes[i] = this.#encode(job, i, type, body);
    job.places[i] ??= [];
  }

  /** Undefined for a link that is gone or something else by now. */
  #encode(
    job: Pick<DirectoryJob, 'path' | 'listing' | 'rows'>,
    i: number,
    type: number,
    body: NodeParts,
  ): Uint8Array | undefined {
    const { stats, row } = rowOf(job, i);
    const path = this.#path(job, i);
    const details: EntryDetails = this.#parts.mode === 'look' ? {} : this.#parts.source.describe(path, stats, row);
    if (details.problem !== undefined) this.#parts.counters.notes.push({ path, note: details.problem });
    if (type === NodeType.symlink && details.linkTarget === undefined) {
      if (this.#parts.mode === 'store') return undefined;
    }
    return encodeNode(job.listing.names[i]!, stats, row, { ...body, type, details });
  }

  #path(job: Pick<DirectoryJob, 'path' | 'listing'>, i: number): Uint8Array {
    return joinPath(job.path, job.listing.names[i]!);
  }
}

function captureNote({ live, isCopy, isFrozen }: FileResult): string | undefined {
  if (isCopy === true) return SQLITE_BACKUP;
  if (live) return LIVE;
  return isFrozen === true ? FS_SNAPSHOT : undefined;
}

function rowOf(
  job: Pick<DirectoryJob, 'listing' | 'rows'>,
  i: number,
): { readonly stats: Uint32Array; readonly row: number } {
  const changed = job.rows.get(i);
  return changed === undefined ? { stats: job.listing.stats, row: job.listing.rows[i]! } : { stats: changed, row: 0 };
}
