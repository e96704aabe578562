/**
 * Lists folders in snapshots under the paths they have outside. Rows are those of the files outside as well: the file
 * system is the one they belong to, and where something else is mounted, or a volume is not in the snapshot, the entry
 * is that of what is there.
 */
import { type DirectoryListing, type EntryFailure, nodeTypeOf, SourceError, STAT_ROW_WORDS } from '@keephold/engine';
import type { DirectoryLister, NameFilter } from '../reading/list-directory.ts';
import type { FrozenPaths, Place } from './frozen-paths.ts';

const DIRECTORY = 1;
/** Words of a row that name the file system. */
const SYSTEM_AT = 14;
const SYSTEM_WORDS = 2;

type FrozenPlace = Extract<Place, { kind: 'frozen' }>;

export interface FrozenListerOptions {
  readonly lister: DirectoryLister;
  readonly paths: FrozenPaths;
  /** Called for each volume that is not in the snapshot around it; it is read where it is. */
  readonly onGap: (path: string) => void;
}

export function createFrozenLister(options: FrozenListerOptions): DirectoryLister {
  return new FrozenLister(options);
}

class FrozenLister implements DirectoryLister {
  readonly #lister: DirectoryLister;
  readonly #paths: FrozenPaths;
  readonly #onGap: (path: string) => void;
  /** File systems of the tops, as they are outside. */
  readonly #systems = new Map<string, Uint32Array>();

  constructor({ lister, paths, onGap }: FrozenListerOptions) {
    this.#lister = lister;
    this.#paths = paths;
    this.#onGap = onGap;
  }

  list(path: Uint8Array, keep: NameFilter | undefined, only: readonly string[] | undefined): DirectoryListing {
    const folder = Buffer.from(path).toString('latin1');
    const { top, place } = this.#paths.find(folder);
    const listing =
      place.kind === 'live'
        ? this.#lister.list(path, keep, only)
        : this.#listFrozen(folder, { top, place }, (at) => this.#lister.list(at, keep, only));
    const tops = this.#paths.topsIn(folder).filter((name) => listing.names.includes(name));
    return tops.length === 0 ? listing : this.#withTops(folder, listing, new Set(tops));
  }

  #listFrozen(
    folder: string,
    { top, place }: { readonly top: string; readonly place: FrozenPlace },
    list: (at: Uint8Array) => DirectoryListing,
  ): DirectoryListing {
    const listing = list(bytes(place.root + folder.slice(top.length)));
    const system = this.#systemOf(top);
    for (let row = 0; row < listing.count; row++) listing.stats.set(system, row * STAT_ROW_WORDS + SYSTEM_AT);
    listing.names.forEach((name, i) => {
      const row = listing.rows[i]!;
      const isGap = nodeTypeOf(listing.stats, row) === DIRECTORY && inodeOf(listing.stats, row) === place.gapInode;
      if (isGap) this.#addGap(`${folder}/${name}`);
    });
    return listing;
  }

  #addGap(path: string): void {
    // Mounted somewhere by itself: its own top decides.
    if (this.#paths.find(path).top === path) return;
    this.#paths.set(path, { kind: 'live' });
    this.#onGap(path);
  }

  #systemOf(top: string): Uint32Array {
    let system = this.#systems.get(top);
    if (system === undefined) {
      const { stats } = this.#lister.list(bytes(top), undefined, ['.']);
      system = stats.slice(SYSTEM_AT, SYSTEM_AT + SYSTEM_WORDS);
      this.#systems.set(top, system);
    }
    return system;
  }

  /** With the entries of tops as they are themselves. */
  #withTops(folder: string, listing: DirectoryListing, tops: ReadonlySet<string>): DirectoryListing {
    const failures: EntryFailure[] = [...listing.failures];
    const kept: number[] = [];
    listing.names.forEach((name, i) => {
      const row = tops.has(name) ? this.#rowOfTop(`${folder}/${name}`) : undefined;
      if (typeof row === 'string') return failures.push({ name: Buffer.from(name, 'latin1'), code: row });
      if (row !== undefined) listing.stats.set(row, listing.rows[i]! * STAT_ROW_WORDS);
      return kept.push(i);
    });
    const names = kept.map((i) => listing.names[i]!);
    const rows = kept.map((i) => listing.rows[i]!);
    return { count: kept.length, names, rows, stats: listing.stats, failures };
  }

  /** Or the code of what went wrong. */
  #rowOfTop(path: string): Uint32Array | string {
    const { place } = this.#paths.find(path);
    const slash = path.lastIndexOf('/');
    try {
      const { count, stats, failures } =
        place.kind === 'frozen'
          ? this.#lister.list(bytes(place.root), undefined, ['.'])
          : this.#lister.list(bytes(path.slice(0, slash)), undefined, [path.slice(slash + 1)]);
      if (count === 0) return failures[0]?.code ?? 'ENOENT';
      const row = stats.slice(0, STAT_ROW_WORDS);
      if (place.kind === 'frozen') row.set(this.#systemOf(path), SYSTEM_AT);
      return row;
    } catch (cause) {
      if (cause instanceof SourceError) return cause.code;
      throw cause;
    }
  }
}

function inodeOf(stats: Uint32Array, row: number): number {
  const at = row * STAT_ROW_WORDS;
  return stats[at + 6]! + stats[at + 7]! * 0x1_0000_0000;
}

function bytes(path: string): Uint8Array {
  return Buffer.from(path, 'latin1');
}
