/**
 * What changed on the disk since a snapshot, told by somebody who watched. A walk that has it lists only these folders,
 * the ones above them and those that must always be looked at (last-walk.ts); everything else is taken over from the
 * snapshot as it is. Whoever tells must have missed nothing: what it leaves out is not looked at.
 */
import type { ObjectName } from '@keephold/protocol';
import type { Selection } from '../backup/paths.ts';
import type { FullWalkReason } from './full-walk.ts';

export interface ChangedFolders {
  /** Counted from a moment before the run that made this snapshot. */
  readonly since: ObjectName;
  /** Folders in which an entry was made, removed, renamed, written or given other metadata. */
  readonly folders: readonly Uint8Array[];
  /** Folders of which anything below may have changed: new ones, and what was moved to where it is. */
  readonly trees: readonly Uint8Array[];
}

export interface JournalOptions {
  /** 32 bytes, a digest of all that decides what a walk is able and meant to see: rules, options, rights, mounts. */
  readonly view: Uint8Array;
  /** What changed, or why that is not to be believed. Left out: nobody told. */
  readonly changes?: ChangedFolders | FullWalkReason | undefined;
}

type Visits = Map<string, Visits | 'all'>;

/** The folders to visit, from the root of the file system: what is in none of the maps is taken over. */
export function visitsOf(folders: Iterable<Uint8Array>, trees: Iterable<Uint8Array>): Selection | 'all' {
  const top: Visits = new Map();
  for (const folder of folders) wayTo(top, namesOf(folder));
  for (const tree of trees) {
    const names = namesOf(tree);
    const last = names.pop();
    if (last === undefined) return 'all';
    wayTo(top, names)?.set(last, 'all');
  }
  return top;
}

/** Makes what is missing on the way; undefined where all is visited already. */
function wayTo(top: Visits, names: readonly string[]): Visits | undefined {
  let level = top;
  for (const name of names) {
    const found = level.get(name);
    if (found === 'all') return undefined;
    const next: Visits = found ?? new Map();
    if (found === undefined) level.set(name, next);
    level = next;
  }
  return level;
}

function namesOf(path: Uint8Array): string[] {
  return path.length === 0 ? [] : Buffer.from(path).toString('latin1').slice(1).split('/');
}
