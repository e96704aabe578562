/**
 * Finds SQLite databases in use by the files beside them. A write-ahead log or a rollback journal with content means
 * that the database's own file is not all of it, so they are captured together or not at all. By name only: whether it
 * is a database is seen when it is opened.
 */
import { NodeType } from '../../node-fields.ts';
import { type DirectoryListing, nodeTypeOf, sizeOf } from '../../source.ts';

/** Databases by their place in the listing, with the places of the files beside them; none of them is empty. */
export type DatabaseFamilies = ReadonlyMap<number, DatabaseFamily>;

export interface DatabaseFamily {
  /** Files that hold a part of the database: log or journal. */
  readonly logs: readonly number[];
  /** Those, and the index of the log, which is made anew by whoever opens the database. */
  readonly companions: readonly number[];
}

const LOG_ENDINGS = ['-wal', '-journal'] as const;
const INDEX_ENDING = '-shm';
const NONE: DatabaseFamilies = new Map();

export function databaseFamilies(listing: DirectoryListing): DatabaseFamilies {
  let families: Map<number, DatabaseFamily> | undefined;
  listing.names.forEach((name, i) => {
    // The last letter sorts out nearly all names of a run that changes nothing.
    if (!name.endsWith('l')) return;
    const ending = LOG_ENDINGS.find((candidate) => name.endsWith(candidate));
    if (ending === undefined || !hasContent(listing, i)) return;
    const base = indexOf(listing, name.slice(0, -ending.length));
    if (base === undefined || !hasContent(listing, base) || isCompanionName(listing.names[base]!)) return;
    families ??= new Map();
    families.set(base, familyOf(listing, listing.names[base]!));
  });
  return families ?? NONE;
}

function familyOf(listing: DirectoryListing, base: string): DatabaseFamily {
  const find = (ending: string): readonly number[] => {
    const found = indexOf(listing, base + ending);
    return found !== undefined && hasContent(listing, found) ? [found] : [];
  };
  const logs = LOG_ENDINGS.flatMap(find);
  return { logs, companions: [...logs, ...find(INDEX_ENDING)] };
}

/** A file belongs to one database at most. */
function isCompanionName(name: string): boolean {
  return [...LOG_ENDINGS, INDEX_ENDING].some((ending) => name.endsWith(ending));
}

function hasContent({ stats, rows }: DirectoryListing, i: number): boolean {
  return nodeTypeOf(stats, rows[i]!) === NodeType.file && sizeOf(stats, rows[i]!) > 0;
}

/** Names are sorted by their code units. */
function indexOf({ names }: DirectoryListing, name: string): number | undefined {
  let low = 0;
  let high = names.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (names[middle]! < name) low = middle + 1;
    else high = middle;
  }
  return names[low] === name ? low : undefined;
}
