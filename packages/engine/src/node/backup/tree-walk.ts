/**
 * Walks the source in step with the tree cache. What did not change is taken over, what did is captured. Also finds out
 * which packs of earlier commits the snapshot needs (security.md §6.5): with UsedPacks and the packs of this run, the
 * one place where the refset comes from.
 *
 * A directory comes after everything in it, as in the cache.
 */
import { EngineError } from '../../errors.ts';
import { isHardLinked } from '../../node-encoding.ts';
import { NodeType } from '../../node-fields.ts';
import { type DirectoryListing, LINKS_WORD, nodeTypeOf, SourceError, STAT_ROW_WORDS, sizeOf } from '../../source.ts';
import { FullWalkNeeded } from '../journal/full-walk.ts';
import { KeptEntries, NOT_KEPT } from '../tree-cache/kept-entries.ts';
import type { Stands } from '../tree-cache/standing-records.ts';
import type { CachedDirectory, CachedEntries } from '../tree-cache/tree-cache-reader.ts';
import { CarryOver } from './carry-over.ts';
import { type DatabaseFamilies, databaseFamilies } from './database-families.ts';
import { DirectoryCapture, type Visited } from './directory-capture.ts';
import { DirectoryJob } from './directory-job.ts';
import { FamilyCapture } from './family-capture.ts';
import { joinPath, type Selection } from './paths.ts';
import type { CaptureCause } from './run-counters.ts';
import { type TreesThatStand, treesThatStand } from './trees-that-stand.ts';
import type { WalkParts } from './walk-parts.ts';

const MAX_DEPTH = 1024;
/** Captures between two looks at the queues, in directories with very many entries. */
const CAPTURES_PER_BREATH = 256;

/** Grows with what is listed. */
const LISTED_AT_FIRST = 1024;

/** Where no record is taken over. */
const NO_FILE = -1;

const NO_VISITS: Selection = new Map<string, Selection>();
const NONE: ReadonlySet<string> = new Set<string>();

/** What to walk below a directory. */
export interface WalkPart {
  /** What belongs to the backup. */
  readonly selection: Selection | 'all';
  /** Directories that must be looked at; the others are taken over from the last snapshot. */
  readonly visits: Selection | 'all';
}

/** Of a directory in it: undefined when nobody told of changes there. */
interface PartBelow {
  readonly selection: WalkPart['selection'];
  readonly visits: WalkPart['visits'] | undefined;
}

/** A directory the walk is in. */
interface Frame {
  readonly path: Uint8Array;
  readonly listing: DirectoryListing;
  readonly children: Map<number, Visited>;
  /** Entries above the roots: their times say nothing about what is backed up. */
  readonly above: ReadonlySet<string>;
  /** Set while its own entries are captured. */
  job: DirectoryJob | undefined;
}

interface ChangedEntry {
  readonly index: number;
  readonly cause: CaptureCause;
}

export class TreeWalk {
  readonly #parts: WalkParts;
  readonly #capture: DirectoryCapture;
  readonly #carryOver: CarryOver;
  readonly #isAlive: (pack: number) => boolean;
  readonly #use: (pack: number) => boolean;
  /** From the root to where the walk is. */
  readonly #frames: Frame[] = [];
  /** Where each entry of the directory that was compared last stands in its old record (KeptEntries). */
  #keptAt = new Uint32Array(LISTED_AT_FIRST);
  #sequence = 0;
  #root: Visited | undefined;

  constructor(parts: WalkParts) {
    this.#parts = parts;
    this.#capture = new DirectoryCapture(parts);
    this.#carryOver = new CarryOver(parts);
    this.#isAlive = (pack) => !parts.isDead(pack);
    this.#use = (pack) => {
      parts.used.add(pack);
      return true;
    };
  }

  /** Goes through all of `part`. Files may still be on their way when it resolves. */
  async run(part: WalkPart): Promise<void> {
    this.#root = await this.#visit(new Uint8Array(0), part, 0);
  }

  /** In place of `run`, when nothing can have changed: takes over the whole tree. */
  takeOver(rootTree: Uint8Array): void {
    this.#root = { kind: 'unchanged', subtree: rootTree, file: NO_FILE };
  }

  /** Whether everything is as the cache has it. */
  get isUnchanged(): boolean {
    return this.#root?.kind === 'unchanged';
  }

  /** Whether the walk went through everything and the root's tree is stored. */
  get isDone(): boolean {
    return this.#root?.kind === 'unchanged' || (this.#root?.kind === 'job' && this.#root.job.tree !== undefined);
  }

  /** Id of the root's tree, once everything is done. */
  get rootTree(): Uint8Array {
    const root = this.#root;
    if (root?.kind === 'unchanged') return root.subtree;
    if (root?.kind === 'job' && root.job.tree !== undefined) return root.job.tree.id;
    if (root?.kind === 'job') throw new EngineError('no-progress', `read ${root.job.pending} entries: no answer came`);
    throw new SourceError(root?.kind === 'failed' ? root.code : 'EIO', 'read the root folder: it cannot be listed');
  }

  /**
   * Stores trees for what is done so far of a walk that is not over, and of that what stands; answers the id of the root.
   * For a checkpoint: it can be browsed, and the next run finds its parts.
   */
  storePartial(trees: TreesThatStand): Uint8Array {
    if (this.#root?.kind === 'unchanged') return this.#root.subtree;
    // The walk is through, and files are still being read.
    if (this.#root?.kind === 'job') return this.#capture.storePartialJob(this.#root.job, trees);
    let below: Uint8Array | undefined;
    for (const frame of [...this.#frames].reverse()) below = this.#storePartialFrame(frame, { below, trees });
    return below ?? this.#capture.storePartial([]);
  }

  /** What stands so far, when not all packs do; `records`: of directories that are done. */
  whatStands(records: Iterable<Uint8Array>, stands: Stands): TreesThatStand {
    return treesThatStand(records, stands, (nodes) => this.#capture.storePartial(nodes));
  }

  #storePartialFrame(
    frame: Frame,
    { below, trees }: { readonly below: Uint8Array | undefined; readonly trees: TreesThatStand },
  ): Uint8Array {
    const { listing, children, job } = frame;
    const nodes: Uint8Array[] = [];
    for (let i = 0; i < listing.count; i++) {
      const visited = children.get(i);
      const subtree = visited === undefined ? undefined : this.#subtreeSoFar(visited, trees);
      const captured = job && this.#capture.partialNode(job, i, trees);
      const onTheWay = below !== undefined && this.#isOnTheWay(frame, i) ? below : undefined;
      const found = subtree ?? onTheWay;
      const node = captured ?? (found === undefined ? undefined : this.#encodePartial(frame, i, found));
      if (node !== undefined) nodes.push(node);
    }
    return this.#capture.storePartial(nodes);
  }

  #subtreeSoFar(visited: Visited, trees: TreesThatStand): Uint8Array | undefined {
    if (visited.kind === 'unchanged') return visited.subtree;
    if (visited.kind !== 'job') return undefined;
    return this.#capture.storePartialJob(visited.job, trees);
  }

  #encodePartial(frame: Frame, i: number, subtree: Uint8Array): Uint8Array | undefined {
    return this.#capture.encodeDirectory({ path: frame.path, listing: frame.listing, rows: new Map() }, i, subtree);
  }

  #isOnTheWay(frame: Frame, i: number): boolean {
    const next = this.#frames[this.#frames.indexOf(frame) + 1];
    if (next === undefined) return false;
    const path = joinPath(frame.path, frame.listing.names[i]!);
    return path.length === next.path.length && Buffer.compare(path, next.path) === 0;
  }

  async #visit(path: Uint8Array, part: WalkPart, depth: number): Promise<Visited> {
    const { counters, breathe, again } = this.#parts;
    const { selection } = part;
    const wait = breathe();
    if (wait !== undefined) await wait;
    const listing = this.#list(path, selection);
    // Gone since its parent was listed: as if it had never been there.
    if (listing === 'ENOENT' || listing === 'ENOTDIR') return { kind: 'gone' };
    if (typeof listing === 'string') return { kind: 'failed', code: listing };
    counters.directories++;
    counters.listed++;
    counters.currentPath = path;
    for (const failure of listing.failures) {
      this.#capture.reportUnreadable(joinPath(path, String.fromCharCode(...failure.name)), failure.code);
    }
    if (listing.failures.length > 0) again.add(path);
    const frame: Frame = { path, listing, children: new Map(), above: aboveRoots(selection), job: undefined };
    this.#frames.push(frame);
    await this.#visitChildren(frame, part, depth);
    const visited = await this.#compare(frame);
    this.#frames.pop();
    return visited;
  }

  #list(path: Uint8Array, selection: Selection | 'all'): DirectoryListing | string {
    try {
      return this.#parts.source.list(path, selection === 'all' ? undefined : [...selection.keys()]);
    } catch (cause) {
      if (cause instanceof SourceError) return cause.code;
      throw cause;
    }
  }

  async #visitChildren(frame: Frame, part: WalkPart, depth: number): Promise<void> {
    const { listing, children, path } = frame;
    for (let i = 0; i < listing.count; i++) {
      if (nodeTypeOf(listing.stats, listing.rows[i]!) !== NodeType.directory) continue;
      const name = listing.names[i]!;
      const tooDeep = depth === MAX_DEPTH;
      children.set(
        i,
        tooDeep
          ? { kind: 'failed', code: 'too deep' }
          : await this.#visitChild(joinPath(path, name), partBelow(part, name), depth + 1),
      );
    }
  }

  /** Without visits it is taken over, if the last snapshot has it. What is above the roots is always looked at. */
  async #visitChild(path: Uint8Array, { selection, visits }: PartBelow, depth: number): Promise<Visited> {
    if (visits !== undefined) return await this.#visit(path, { selection, visits }, depth);
    if (selection !== 'all') return await this.#visit(path, { selection, visits: NO_VISITS }, depth);
    const carried = this.#carryOver.subtree(path, this.#sequence);
    if (carried === undefined) return await this.#visit(path, { selection, visits: 'all' }, depth);
    this.#sequence++;
    return carried;
  }

  /** Decides what changed in a directory, entry by entry, against the cache. */
  async #compare(frame: Frame): Promise<Visited> {
    const { cached, records, used } = this.#parts;
    const sequence = this.#sequence++;
    const old = cached.seek(frame.path);
    const families = databaseFamilies(frame.listing);
    const changed = this.#findChanged(frame, old, this.#staleTogether(frame, old, families));
    if (old !== undefined && changed.length === 0 && old.count === frame.listing.count && !this.#anyDead(old.places)) {
      used.addAll(old.places);
      records.put(sequence, { kind: 'old', file: cached.file, from: old.fileOffset, length: old.length });
      const subtree = old.subtreeId.slice();
      const { file } = cached;
      cached.pass();
      return { kind: 'unchanged', subtree, file };
    }
    const job = new DirectoryJob(frame.path, frame.listing, sequence);
    frame.job = job;
    this.#addFamilies(job, families, changed);
    if (old !== undefined) {
      const { count } = frame.listing;
      if (changed.length < count) job.kept = new KeptEntries(old, this.#keptAt.subarray(0, count));
      cached.pass();
    }
    await this.#parts.prepare();
    await this.#captureAll(job, frame, changed);
    job.sealed = true;
    this.#capture.finishIfDone(job);
    return { kind: 'job', job };
  }

  /**
   * Databases that are among the changed entries, with those of their files that are. Not in a snapshot of the file
   * system: as they lie they are of one instant there.
   */
  #addFamilies(job: DirectoryJob, families: DatabaseFamilies, changed: readonly ChangedEntry[]): void {
    if (families.size === 0 || this.#parts.source.frozen?.pathOf(job.path) !== undefined) return;
    const indexes = new Set(changed.map(({ index }) => index));
    for (const [base, { companions }] of families) {
      if (!indexes.has(base)) continue;
      const captured = companions.filter((i) => indexes.has(i));
      const family = new FamilyCapture(base, captured, this.#parts.files);
      for (const i of [base, ...captured]) job.families.set(i, family);
    }
  }

  async #captureAll(job: DirectoryJob, frame: Frame, changed: readonly ChangedEntry[]): Promise<void> {
    let count = 0;
    for (const { index, cause } of changed) {
      this.#capture.capture(job, index, { child: frame.children.get(index), cause });
      if (++count % CAPTURES_PER_BREATH !== 0) continue;
      const wait = this.#parts.breathe();
      if (wait !== undefined) await wait;
    }
  }

  /** Databases whose file, log or journal changed: all of their files are to be captured anew. */
  #staleTogether(
    { listing }: Frame,
    old: CachedDirectory | undefined,
    families: DatabaseFamilies,
  ): ReadonlySet<number> {
    const stale = new Set<number>();
    if (old === undefined) return stale;
    for (const [base, { logs, companions }] of families) {
      const entries = old.entries();
      const isSame = (i: number): boolean =>
        entries.seekName(listing.names[i]!) && entries.hasIdentity(listing.stats, listing.rows[i]! * STAT_ROW_WORDS);
      const isStale = [base, ...logs].sort((a, b) => a - b).some((i) => !isSame(i));
      if (isStale) for (const i of [base, ...companions]) stale.add(i);
    }
    return stale;
  }

  /**
   * Listed entries that are `stale`, or that the cache does not have as they are; counts the others, marks their packs
   * and notes where they stand.
   */
  #findChanged(frame: Frame, old: CachedDirectory | undefined, stale: ReadonlySet<number>): readonly ChangedEntry[] {
    const { listing, children, above } = frame;
    const { stats } = listing;
    const changed: ChangedEntry[] = [];
    const entries = old?.entries();
    if (this.#keptAt.length < listing.count) this.#keptAt = new Uint32Array(listing.count * 2);
    for (let i = 0; i < listing.count; i++) {
      const isNew = entries === undefined || !entries.seekName(listing.names[i]!);
      const at = listing.rows[i]! * STAT_ROW_WORDS;
      const child = children.get(i);
      const looksSame =
        !isNew &&
        !stale.has(i) &&
        (entries.hasIdentity(stats, at) || (above.has(listing.names[i]!) && entries.hasOwnerAndMode(stats, at))) &&
        (child === undefined || (child.kind === 'unchanged' && child.file === this.#parts.cached.file));
      if (looksSame && entries.everyPlace(this.#isAlive)) {
        entries.everyPlace(this.#use);
        this.#keptAt[i] = entries.at;
        this.#countUnchanged(listing, i);
      } else {
        this.#doubt({ listing, i, child, entry: isNew ? undefined : entries });
        this.#keptAt[i] = NOT_KEPT;
        changed.push({ index: i, cause: isNew ? 'new' : looksSame ? 'gone' : 'changed' });
      }
      if (stats[at + LINKS_WORD]! > 1 && child === undefined) this.#parts.again.add(frame.path);
    }
    return changed;
  }

  /**
   * Of a changed entry, whether it tells that folders are not as they were of which nobody told. `entry`: as the cache
   * has it.
   */
  #doubt({ listing, i, child, entry }: DoubtedEntry): void {
    if (!this.#parts.isTold) return;
    const at = listing.rows[i]! * STAT_ROW_WORDS;
    if (child?.kind === 'unchanged' && child.isCarried === true) {
      if (entry === undefined || entry.isOtherInode(listing.stats, at)) throw new FullWalkNeeded('replaced-folder');
    }
    const isLinkedNow = child === undefined && listing.stats[at + LINKS_WORD]! > 1;
    if (isLinkedNow && (entry === undefined || !isHardLinked(entry.node))) throw new FullWalkNeeded('hard-link');
  }

  #countUnchanged(listing: DirectoryListing, i: number): void {
    const { counters } = this.#parts;
    const type = nodeTypeOf(listing.stats, listing.rows[i]!);
    if (type === NodeType.file) {
      counters.filesUnchanged++;
      counters.bytes += sizeOf(listing.stats, listing.rows[i]!);
    } else if (type !== NodeType.directory) counters.otherEntries++;
  }

  #anyDead(places: Uint32Array): boolean {
    for (const pack of places) if (this.#parts.isDead(pack)) return true;
    return false;
  }
}

interface DoubtedEntry {
  readonly listing: DirectoryListing;
  readonly i: number;
  readonly child: Visited | undefined;
  readonly entry: CachedEntries | undefined;
}

function partBelow({ selection, visits }: WalkPart, name: string): PartBelow {
  return {
    selection: selection === 'all' ? 'all' : (selection.get(name) ?? 'all'),
    visits: visits === 'all' ? 'all' : visits.get(name),
  };
}

/** Names in a directory that lead to a root and are none. */
function aboveRoots(selection: Selection | 'all'): ReadonlySet<string> {
  if (selection === 'all') return NONE;
  return new Set([...selection].flatMap(([name, below]) => (below === 'all' ? [] : [name])));
}
