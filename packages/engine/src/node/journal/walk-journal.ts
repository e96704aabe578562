/**
 * Decides what a run walks: everything, or what changed since the last walk, and keeps what the next one needs for that.
 * When in doubt everything: a wrong "changed" would be a file that is not in the backup, a wrong "all" costs time.
 */
import { equalBytes } from '@keephold/bytes';
import type { Head, ObjectName } from '@keephold/protocol';
import type { Source } from '../../source.ts';
import { type Selection, selectRoots } from '../backup/paths.ts';
import type { RunCounters } from '../backup/run-counters.ts';
import type { StreamCache } from '../tree-cache/stream-cache.ts';
import { type ChangedFolders, type JournalOptions, visitsOf } from './changed-folders.ts';
import type { FullWalkReason, WalkReport } from './full-walk.ts';
import { AgainFolders, forgetLastWalk, type LastWalk, readLastWalk, writeLastWalk } from './last-walk.ts';
import { wayToRoots } from './way-to-roots.ts';

export type WalkScope =
  /** `because`: although changes were told. */
  | { readonly kind: 'all'; readonly because?: FullWalkReason | undefined }
  | { readonly kind: 'changed'; readonly last: LastWalk; readonly visits: Selection };

/** What no event tells of (docs/adr/0034-change-journal.md) is not missed for longer than this. */
const FULL_WALK_EVERY_MS: number = 7 * 24 * 60 * 60 * 1000;

interface JournalParts {
  readonly journal: JournalOptions | undefined;
  readonly source: Source;
  readonly cache: StreamCache;
  /** Unix milliseconds. */
  readonly now: number;
  /** Set when an earlier pass of this run came to that. */
  readonly fullWalk: FullWalkReason | undefined;
}

export class WalkJournal {
  readonly scope: WalkScope;
  /** Folders that the next walk must list. */
  readonly again: AgainFolders = new AgainFolders();
  readonly #parts: JournalParts;
  readonly #way: Uint8Array;

  constructor(parts: JournalParts) {
    this.#parts = parts;
    this.#way =
      parts.journal === undefined ? new Uint8Array(0) : wayToRoots(parts.source, selectRoots(parts.source.roots));
    this.scope = this.#choose();
  }

  /** The last walk, when there is nothing at all to look at. */
  get nothingToWalk(): LastWalk | undefined {
    if (this.scope.kind === 'all' || this.scope.visits.size > 0) return undefined;
    return equalBytes(this.scope.last.way, this.#way) ? this.scope.last : undefined;
  }

  /** For the report. */
  told({ listed }: RunCounters): WalkReport {
    const { scope } = this;
    return scope.kind === 'all' ? scope : { kind: 'changed', listed };
  }

  /** After a complete snapshot. */
  keep(
    committed: { readonly head: Head; readonly object: ObjectName },
    rootTree: Uint8Array,
    counters: RunCounters,
  ): void {
    const { journal, cache, now } = this.#parts;
    const again = this.again.paths;
    if (journal === undefined || again === undefined) return forgetLastWalk(cache.walkPath);
    const { files, directories, otherEntries, bytes } = counters;
    writeLastWalk(cache.walkPath, {
      commitSeq: committed.head.seq,
      rootTree,
      snapshot: committed.object,
      view: journal.view,
      way: this.#way,
      fullWalk: this.scope.kind === 'all' ? now : this.scope.last.fullWalk,
      files,
      directories,
      otherEntries,
      bytes,
      again,
    });
  }

  #choose(): WalkScope {
    const { journal, cache, fullWalk } = this.#parts;
    const changes = journal?.changes;
    if (journal === undefined || changes === undefined) return { kind: 'all' };
    if (typeof changes === 'string') return { kind: 'all', because: changes };
    if (fullWalk !== undefined) return { kind: 'all', because: fullWalk };
    const last = readLastWalk(cache.walkPath);
    const because = last === undefined ? 'no-last-walk' : this.#doubt(last, journal.view, changes);
    if (last === undefined || because !== undefined) return { kind: 'all', because };
    const visits = visitsOf([...changes.folders, ...last.again], changes.trees);
    return visits === 'all' ? { kind: 'all' } : { kind: 'changed', last, visits };
  }

  #doubt(last: LastWalk, view: Uint8Array, changes: ChangedFolders): FullWalkReason | undefined {
    const { cache, now } = this.#parts;
    const { head } = cache;
    if (head === undefined || head.commitSeq !== last.commitSeq || !equalBytes(head.rootTree, last.rootTree))
      return 'no-last-walk';
    if (!cache.isSingle) return 'interrupted-before';
    if (!equalBytes(last.snapshot, changes.since)) return 'other-snapshot';
    if (!equalBytes(last.view, view)) return 'other-view';
    const age = now - last.fullWalk;
    return age < 0 || age >= FULL_WALK_EVERY_MS ? 'due' : undefined;
  }
}
