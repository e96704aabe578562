/**
 * Which paths are read in a snapshot and which where they are. Each top (of a snapshot, of another file system mounted
 * in one, of a volume that is not in it) decides for all below it, down to the next top.
 *
 * Paths are strings of one code unit a byte, the root of the file system is empty.
 */

export type Place =
  | { readonly kind: 'live' }
  /** `root`: where the top is read. */
  | { readonly kind: 'frozen'; readonly root: string; readonly gapInode: number };

export interface FoundPlace {
  readonly top: string;
  readonly place: Place;
}

const LIVE: Place = { kind: 'live' };

export class FrozenPaths {
  readonly #places = new Map<string, Place>();
  readonly #topsIn = new Map<string, string[]>();

  set(top: string, place: Place): void {
    if (!this.#places.has(top) && top !== '') {
      const slash = top.lastIndexOf('/');
      const folder = top.slice(0, slash);
      this.#topsIn.set(folder, [...(this.#topsIn.get(folder) ?? []), top.slice(slash + 1)]);
    }
    this.#places.set(top, place);
  }

  find(path: string): FoundPlace {
    for (let top = path; ; top = top.slice(0, top.lastIndexOf('/'))) {
      const place = this.#places.get(top);
      if (place !== undefined) return { top, place };
      if (top === '') return { top, place: LIVE };
    }
  }

  /** Where an entry is read in a snapshot; undefined: where it is. */
  pathOf(path: string): string | undefined {
    const { top, place } = this.find(path);
    return place.kind === 'frozen' ? place.root + path.slice(top.length) : undefined;
  }

  /** Names in a folder that are tops. */
  topsIn(folder: string): readonly string[] {
    return this.#topsIn.get(folder) ?? [];
  }
}
