/** The account of a restore: one outcome for every item, with the reason where it is not simply restored. */
import type { NodeType } from '../../node-fields.ts';
import type { MetadataProblem } from '../../target.ts';

export type Outcome = 'restored' | 'identical' | 'skipped' | 'failed' | 'deleted';

export interface RestoredItem {
  /** Relative to the target. Belongs to the receiver. */
  readonly path: Uint8Array;
  readonly type: NodeType;
  readonly outcome: Outcome;
  readonly reason?: string | undefined;
  /**
   * Of a failure: 'damaged' for what is stored, a code of the system or the target for where it goes. Of what is skipped:
   * 'exists' when something is there already that must not be overwritten.
   */
  readonly code?: string | undefined;
  /** Content bytes of a file. */
  readonly bytes: number;
  /** Metadata that could not be set. */
  readonly problems: readonly MetadataProblem[];
}

export interface RestoreProgress {
  /** Items with an outcome, of `planned` known so far. */
  readonly items: number;
  readonly bytes: number;
  readonly failed: number;
  readonly planned: { readonly items: number; readonly bytes: number; readonly complete: boolean };
  readonly currentPath: Uint8Array | undefined;
}

export interface RestoreReport {
  readonly restored: number;
  readonly identical: number;
  readonly skipped: number;
  readonly failed: number;
  readonly deleted: number;
  /** Content bytes of what was restored. */
  readonly bytes: number;
  /** Metadata problems by kind. */
  readonly problems: ReadonlyMap<MetadataProblem['what'], number>;
  /** The first 10,000 failures; `failed` counts all. */
  readonly failures: readonly RestoredItem[];
  readonly durationMs: number;
  readonly interrupted: boolean;
}

/** The outcome of what is there and must not be overwritten. */
export const KEPT = { outcome: 'skipped', code: 'exists', reason: 'it is there already' } as const;

const MAX_FAILURES = 10_000;
const NO_PROBLEMS: readonly MetadataProblem[] = [];

export class Account {
  readonly #onItem: ((item: RestoredItem) => void) | undefined;
  readonly #counts: Record<Outcome, number> = { restored: 0, identical: 0, skipped: 0, failed: 0, deleted: 0 };
  readonly #problems = new Map<MetadataProblem['what'], number>();
  readonly #failures: RestoredItem[] = [];
  #bytes = 0;
  /** Bytes of every item with an outcome, for progress. */
  settledBytes = 0;
  plannedItems = 0;
  plannedBytes = 0;
  planComplete = false;
  lastPath: Uint8Array | undefined;

  constructor(onItem: ((item: RestoredItem) => void) | undefined) {
    this.#onItem = onItem;
  }

  add(
    item: Omit<RestoredItem, 'problems' | 'bytes'> & {
      readonly bytes?: number;
      readonly problems?: readonly MetadataProblem[] | undefined;
    },
  ): void {
    const entry: RestoredItem = { ...item, bytes: item.bytes ?? 0, problems: item.problems ?? NO_PROBLEMS };
    this.#counts[entry.outcome]++;
    this.settledBytes += entry.bytes;
    if (entry.outcome === 'restored') this.#bytes += entry.bytes;
    for (const { what } of entry.problems) this.#problems.set(what, (this.#problems.get(what) ?? 0) + 1);
    if (entry.outcome === 'failed' && this.#failures.length < MAX_FAILURES) this.#failures.push(entry);
    this.lastPath = entry.path;
    this.#onItem?.(entry);
  }

  progress(): RestoreProgress {
    const { restored, identical, skipped, failed, deleted } = this.#counts;
    return {
      items: restored + identical + skipped + failed + deleted,
      bytes: this.settledBytes,
      failed,
      planned: { items: this.plannedItems, bytes: this.plannedBytes, complete: this.planComplete },
      currentPath: this.lastPath,
    };
  }

  report(durationMs: number, interrupted: boolean): RestoreReport {
    return {
      ...this.#counts,
      bytes: this.#bytes,
      problems: this.#problems,
      failures: this.#failures,
      durationMs,
      interrupted,
    };
  }
}
