/**
 * What a check found, each thing once, with what it means for the user's files. Blobs that lack for the same reason are
 * one problem: a lost index object or pack may be needed by a million of them.
 */

export type ProblemKind =
  | 'missing-pack'
  | 'damaged-pack'
  | 'missing-blob'
  | 'damaged-tree'
  | 'damaged-index'
  | 'refset'
  | 'commit'
  | 'record'
  | 'ledger';

export interface CheckProblem {
  readonly kind: ProblemKind;
  readonly what: string;
  /** Paths in snapshots, as '#3:/path': at most 20, or 10,000 where it is about blobs; then how many more. */
  readonly affects: readonly string[];
  /** Ids of the blobs it is about, as hex, at most 10,000; none where it is about something else. */
  readonly blobs: readonly string[];
}

const MAX_AFFECTED = 20;
const MAX_PROBLEMS = 10_000;
/** Of one problem, and of the paths that need them. */
const MAX_BLOBS = 10_000;
/** Of all such problems together: more problems than some tens have fewer each. */
const MAX_BLOB_PATHS = 100_000;

interface Draft {
  readonly kind: ProblemKind;
  readonly what: string;
  readonly affects: Set<string>;
  more: number;
  /** As hex; some of them where there are very many. */
  readonly blobs: Set<string>;
}

export class Findings {
  readonly #problems = new Map<string, Draft>();
  /** Problems beyond the first 10,000. */
  #omitted = 0;
  #blobPaths = 0;

  get count(): number {
    return this.#problems.size + this.#omitted;
  }

  add(kind: ProblemKind, what: string, affected?: string): void {
    const draft = this.#draft(kind, what);
    if (draft !== undefined && affected !== undefined) addPath(draft, affected, MAX_AFFECTED);
  }

  /** `what` is the reason that a blob lacks, and says nothing of the blob itself. */
  addBlob(kind: ProblemKind, what: string, { id, affected }: { readonly id: string; readonly affected: string }): void {
    const draft = this.#draft(kind, what);
    if (draft === undefined) return;
    if (draft.blobs.size < MAX_BLOBS) draft.blobs.add(id);
    const before = draft.affects.size;
    addPath(draft, affected, this.#blobPaths < MAX_BLOB_PATHS ? MAX_BLOBS : MAX_AFFECTED);
    this.#blobPaths += draft.affects.size - before;
  }

  /** Undefined when there are too many problems. */
  #draft(kind: ProblemKind, what: string): Draft | undefined {
    const key = `${kind}\n${what}`;
    const known = this.#problems.get(key);
    if (known !== undefined) return known;
    if (this.#problems.size >= MAX_PROBLEMS) {
      this.#omitted++;
      return undefined;
    }
    const draft = { kind, what, affects: new Set<string>(), more: 0, blobs: new Set<string>() };
    this.#problems.set(key, draft);
    return draft;
  }

  problems(): CheckProblem[] {
    const found = [...this.#problems.values()].map(({ kind, what, affects, more, blobs }) => ({
      kind,
      what: blobs.size === 0 ? what : `${what} (${countOf(blobs)})`,
      affects: more === 0 ? [...affects] : [...affects, `and ${more} more`],
      blobs: [...blobs],
    }));
    if (this.#omitted > 0)
      found.push({ kind: 'record', what: `${this.#omitted} more problems`, affects: [], blobs: [] });
    return found;
  }
}

function addPath(draft: Draft, path: string, maximum: number): void {
  if (draft.affects.has(path)) return;
  if (draft.affects.size < maximum) draft.affects.add(path);
  else draft.more++;
}

function countOf({ size }: ReadonlySet<string>): string {
  if (size >= MAX_BLOBS) return `${MAX_BLOBS} blobs or more`;
  return size === 1 ? '1 blob' : `${size} blobs`;
}
