/**
 * Compares two directory trees on disk, byte for byte and with all metadata: the proof that a restore equals its source.
 * It trusts nothing but the two trees themselves, shares no code with backup or restore beyond system calls, and holds
 * no more than two buffers of content.
 */
import { setImmediate } from 'node:timers/promises';
import { CStringScratch, libc, StatBuffer } from '@keephold/ffi';
import { createXattrReader } from '../xattrs.ts';
import { type ContentBuffers, compareContent, createContentBuffers } from './compare-content.ts';
import { compareMetadata, isDirectory, isFile, isSymlink, sameType } from './compare-metadata.ts';
import { HardLinkGroups } from './hard-link-groups.ts';
import { openNativeDirectory } from './native-directory.ts';
import { openNodeDirectory } from './node-directory.ts';
import type { DifferenceKind, TreeComparison, TreeDifference } from './tree-difference.ts';
import { compareNames, type EntryStat, type TreeDirectory } from './tree-directory.ts';

export interface CompareTreesOptions {
  /** Called for every difference, hint and entry changed meanwhile; must not be slow. */
  readonly onDifference?: (difference: TreeDifference) => void;
  readonly signal?: AbortSignal;
  /** Entries that are no part of the comparison, by path relative to the trees; what is below them too. */
  readonly skip?: (path: Uint8Array, isDirectory: boolean) => boolean;
  /**
   * UTC nanoseconds. An entry of tree `a` that was changed since cannot be expected in `b` as it is now, and counts as
   * changed meanwhile. For a backup: when its snapshot started.
   */
  readonly changedSince?: bigint;
  /** What is not compared, such as 'owner' for a restore without privileges. */
  readonly ignore?: readonly DifferenceKind[];
  /** Whether the metadata of the two top directories is compared too. */
  readonly top?: 'compare' | 'ignore';
}

// Between two looks at the signal and other work of the thread.
const BREATH_MILLISECONDS = 50;

/**
 * Compares tree `a` (the original) with tree `b` (what came back); both are absolute paths of directories.
 *
 * @throws the signal's reason when aborted; a system error when one of the trees is no directory. Entries that cannot be
 * read are differences of kind 'unreadable'.
 */
export async function compareTrees(a: string, b: string, options: CompareTreesOptions = {}): Promise<TreeComparison> {
  const open = directoryOpener();
  const left = open(a);
  try {
    const right = open(b);
    try {
      return await new Comparison(options).run(left, right);
    } finally {
      right.close();
    }
  } finally {
    left.close();
  }
}

function directoryOpener(): (path: string) => TreeDirectory {
  const calls = libc();
  const xattrs = createXattrReader();
  if (calls === undefined || xattrs === undefined) return openNodeDirectory;
  const access = { libc: calls, xattrs, stat: new StatBuffer(), name: new CStringScratch() };
  return (path) => openNativeDirectory(access, path);
}

/** One entry, on both sides. */
interface Pair {
  readonly path: string;
  readonly name: string;
  readonly a: { readonly parent: TreeDirectory; readonly stat: EntryStat };
  readonly b: { readonly parent: TreeDirectory; readonly stat: EntryStat };
}

class Comparison {
  readonly #options: CompareTreesOptions;
  readonly #ignored: ReadonlySet<DifferenceKind>;
  readonly #buffers: ContentBuffers = createContentBuffers();
  readonly #hardLinks = new HardLinkGroups();
  readonly #counts = {
    files: 0,
    directories: 0,
    others: 0,
    bytes: 0,
    skipped: 0,
    differences: 0,
    hints: 0,
    changedMeanwhile: 0,
    xattrsCompared: true,
  };
  #lastBreath = performance.now();

  constructor(options: CompareTreesOptions) {
    this.#options = options;
    this.#ignored = new Set(options.ignore);
  }

  async run(a: TreeDirectory, b: TreeDirectory): Promise<TreeComparison> {
    const top = { path: '', name: '', a: { parent: a, stat: a.statSelf() }, b: { parent: b, stat: b.statSelf() } };
    this.#counts.directories++;
    if (this.#options.top !== 'ignore') this.#metadata(top);
    await this.#directory('', a, b);
    return { ...this.#counts };
  }

  async #directory(path: string, a: TreeDirectory, b: TreeDirectory): Promise<void> {
    const names = this.#bothNames(path, a, b);
    if (names === undefined) return;
    for (const { name, inA, inB } of names) {
      await this.#breathe();
      await this.#entry(path === '' ? name : `${path}/${name}`, name, { a, b, inA, inB });
    }
  }

  async #entry(
    path: string,
    name: string,
    sides: { readonly a: TreeDirectory; readonly b: TreeDirectory; readonly inA: boolean; readonly inB: boolean },
  ): Promise<void> {
    const { a, b } = sides;
    const statA = sides.inA ? this.#stat(path, name, a) : undefined;
    const statB = sides.inB ? this.#stat(path, name, b) : undefined;
    const known = statA ?? statB;
    if (known === undefined) return;
    if (this.#options.skip?.(Buffer.from(path, 'latin1'), isDirectory(known)) === true) {
      this.#counts.skipped++;
      return;
    }
    if (statA === undefined || statB === undefined) {
      // An entry gone from the source shows in the time of its directory.
      this.#report(path, statA === undefined ? 'extra' : 'missing', '', statA ?? a.statSelf());
      return;
    }
    const pair = { path, name, a: { parent: a, stat: statA }, b: { parent: b, stat: statB } };
    this.#count(pair);
    if (!sameType(statA, statB)) this.#report(path, 'type', '', statA);
    else await this.#pair(pair);
  }

  async #pair(pair: Pair): Promise<void> {
    const { path, name, a, b } = pair;
    this.#metadata(pair);
    if (isDirectory(a.stat)) {
      await this.#subdirectory(pair);
      return;
    }
    this.#attempt(path, a.stat, () => {
      if (isFile(a.stat)) this.#content(pair);
      if (isSymlink(a.stat)) {
        const same = Buffer.compare(a.parent.linkTarget(name), b.parent.linkTarget(name)) === 0;
        if (!same) this.#report(path, 'link-target', '', a.stat);
      }
    });
    const links = this.#hardLinks.compare(a.stat.identity, b.stat.identity, path);
    if (links !== undefined) this.#report(path, 'hard-links', links, a.stat);
  }

  async #subdirectory({ path, name, a, b }: Pair): Promise<void> {
    const left = this.#attempt(path, a.stat, () => a.parent.enter(name));
    if (left === undefined) return;
    try {
      const right = this.#attempt(path, a.stat, () => b.parent.enter(name));
      if (right === undefined) return;
      try {
        await this.#directory(path, left, right);
      } finally {
        right.close();
      }
    } finally {
      left.close();
    }
  }

  #metadata({ path, name, a, b }: Pair): void {
    this.#attempt(path, a.stat, () => {
      const xattrs = { a: a.parent.xattrs(name), b: b.parent.xattrs(name) };
      if (xattrs.a === undefined) this.#counts.xattrsCompared = false;
      for (const { kind, detail } of compareMetadata(a.stat, b.stat, xattrs)) this.#report(path, kind, detail, a.stat);
    });
  }

  #content({ path, name, a, b }: Pair): void {
    this.#counts.bytes += a.stat.size;
    if (a.stat.size !== b.stat.size) {
      this.#report(path, 'size', `${a.stat.size} and ${b.stat.size} bytes`, a.stat);
      return;
    }
    if (a.stat.size === 0) return;
    const at = compareContent(
      () => a.parent.openFile(name),
      () => b.parent.openFile(name),
      this.#buffers,
      this.#options.signal,
    );
    if (at !== undefined) this.#report(path, 'content', `from byte ${at}`, a.stat);
  }

  #stat(path: string, name: string, directory: TreeDirectory): EntryStat | undefined {
    try {
      return directory.stat(name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      this.#report(path, 'unreadable', reasonOf(error), undefined);
      return undefined;
    }
  }

  #bothNames(path: string, a: TreeDirectory, b: TreeDirectory): readonly NamePair[] | undefined {
    return this.#attempt(path, a.statSelf(), () => mergeNames(a.names(), b.names()));
  }

  #attempt<T>(path: string, stat: EntryStat, step: () => T): T | undefined {
    try {
      return step();
    } catch (error) {
      if (this.#options.signal?.aborted === true) throw error;
      this.#report(path, 'unreadable', reasonOf(error), stat);
      return undefined;
    }
  }

  #count({ a }: Pair): void {
    if (isFile(a.stat)) this.#counts.files++;
    else if (isDirectory(a.stat)) this.#counts.directories++;
    else this.#counts.others++;
  }

  #report(path: string, kind: DifferenceKind, detail: string, original: EntryStat | undefined): void {
    if (this.#ignored.has(kind)) return;
    const since = this.#options.changedSince;
    const isNew = since !== undefined && original !== undefined && (original.mtime >= since || original.ctime >= since);
    const weight = isNew ? 'changed-meanwhile' : kind === 'holes' ? 'hint' : 'difference';
    if (weight === 'difference') this.#counts.differences++;
    else if (weight === 'hint') this.#counts.hints++;
    else this.#counts.changedMeanwhile++;
    this.#options.onDifference?.({ path: Buffer.from(path, 'latin1'), kind, weight, detail });
  }

  async #breathe(): Promise<void> {
    if (performance.now() - this.#lastBreath < BREATH_MILLISECONDS) return;
    await setImmediate();
    this.#options.signal?.throwIfAborted();
    this.#lastBreath = performance.now();
  }
}

interface NamePair {
  readonly name: string;
  readonly inA: boolean;
  readonly inB: boolean;
}

/** Both lists are sorted. */
function mergeNames(a: readonly string[], b: readonly string[]): readonly NamePair[] {
  const merged: NamePair[] = [];
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    const left = a[i];
    const right = b[j];
    const order = left === undefined ? 1 : right === undefined ? -1 : compareNames(left, right);
    merged.push({ name: (order <= 0 ? left : right) ?? '', inA: order <= 0, inB: order >= 0 });
    if (order <= 0) i++;
    if (order >= 0) j++;
  }
  return merged;
}

function reasonOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
