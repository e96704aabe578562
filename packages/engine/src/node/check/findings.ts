/** What a check found, each thing once, with what it means for the user's files. */

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
  /** Paths in snapshots, as '#3:/path'; at most 20, then how many more. */
  readonly affects: readonly string[];
}

const MAX_AFFECTED = 20;
const MAX_PROBLEMS = 10_000;

interface Draft {
  readonly kind: ProblemKind;
  readonly what: string;
  readonly affects: string[];
  more: number;
}

export class Findings {
  readonly #problems = new Map<string, Draft>();
  /** Problems beyond the first 10,000. */
  omitted = 0;

  get count(): number {
    return this.#problems.size + this.omitted;
  }

  add(kind: ProblemKind, what: string, affected?: string): void {
    const key = `${kind}\n${what}`;
    const known = this.#problems.get(key);
    if (known === undefined && this.#problems.size >= MAX_PROBLEMS) {
      this.omitted++;
      return;
    }
    const draft = known ?? { kind, what, affects: [], more: 0 };
    if (known === undefined) this.#problems.set(key, draft);
    if (affected === undefined || draft.affects.includes(affected)) return;
    if (draft.affects.length < MAX_AFFECTED) draft.affects.push(affected);
    else draft.more++;
  }

  problems(): CheckProblem[] {
    return [...this.#problems.values()].map(({ kind, what, affects, more }) => ({
      kind,
      what,
      affects: more === 0 ? affects : [...affects, `and ${more} more`],
    }));
  }
}
