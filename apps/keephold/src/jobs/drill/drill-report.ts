/** What came of a drill so far, in counts and in what the history keeps. */
import { type DrillProblem, type DrillResult, type DrillRun, MAX_PROBLEMS, pathMark } from '@keephold/drill';
import type { Snapshot } from '@keephold/engine';
import { withSlash } from '../../listing/node-text.ts';
import { printable } from '../../terminal/printable.ts';
import type { ChosenSample } from './choose-sample.ts';
import type { RestoreTiming } from './drill-batch.ts';
import type { DrilledFile, DrillOutcome } from './drilled-file.ts';

const failures: ReadonlySet<DrillOutcome> = new Set(['unopenable', 'differs', 'damaged', 'not-restored']);
const damage: ReadonlySet<DrillOutcome> = new Set(['differs', 'damaged']);
/** Longest reason that is remembered. */
const MAX_REASON = 500;

export class DrillReport {
  readonly seed: number;
  readonly snapshots: readonly Snapshot[];
  /** Files with a failure, as many as the history keeps; all are counted. */
  readonly problems: DrilledFile[] = [];
  /** Files that were judged and what they hold. */
  readonly done: { files: number; bytes: number } = { files: 0, bytes: 0 };
  /** How many were drawn, of how many. */
  sample: Pick<ChosenSample, 'met' | 'tooLarge' | 'damagedFolders'> & { readonly drawn: number };
  firstFileMs: number | undefined;
  restoreMs = 0;
  restoredBytes = 0;
  restoredFiles = 0;
  interrupted = false;
  tookMs = 0;
  readonly #counts = new Map<string, number>();
  #marks = '';

  constructor({ seed, snapshots }: { readonly seed: number; readonly snapshots: readonly Snapshot[] }) {
    this.seed = seed;
    this.snapshots = snapshots;
    const nothing = { files: 0, bytes: 0 };
    this.sample = { drawn: 0, met: nothing, tooLarge: nothing, damagedFolders: [] };
  }

  begin({ files, ...sample }: ChosenSample): void {
    this.sample = { drawn: files.length, ...sample };
    this.#counts.set('damaged-folders', sample.damagedFolders.length);
  }

  addTiming({ firstFileMs, restoreMs, bytes }: RestoreTiming): void {
    if (firstFileMs !== undefined) this.firstFileMs ??= this.restoreMs + firstFileMs;
    this.restoreMs += restoreMs;
    this.restoredBytes += bytes;
  }

  addFile(file: DrilledFile): void {
    const { outcome, compared, opening, path, size } = file;
    this.done.files++;
    this.done.bytes += size;
    this.#count(outcome);
    if (compared !== undefined) {
      this.restoredFiles++;
      this.#count(compared.indexDiffersAt === undefined ? 'index-same' : 'index-differs');
      this.#count(`here-${compared.live}`);
      this.#count(opening === undefined ? 'not-opened' : `opening-${opening.kind}`);
      this.#marks += pathMark(path);
    }
    if (opening?.kind === 'opened') this.#count(`opened-${opening.format}`);
    if (failures.has(outcome) && this.problems.length < MAX_PROBLEMS) this.problems.push(file);
  }

  finish({ interrupted, tookMs }: { readonly interrupted: boolean; readonly tookMs: number }): void {
    this.interrupted = interrupted;
    this.tookMs = tookMs;
  }

  /** 0 for what did not happen. */
  count(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  get counts(): Readonly<Record<string, number>> {
    return { ...Object.fromEntries(this.#counts), left: this.left };
  }

  /** Drawn and not judged: the time was over. */
  get left(): number {
    return this.sample.drawn - this.done.files;
  }

  get result(): DrillResult {
    if (this.sample.damagedFolders.length > 0 || this.#has(damage)) return 'damaged';
    if (this.interrupted) return 'interrupted';
    // A drill that brought nothing back has shown nothing.
    const isShort = this.restoredFiles === 0 && this.sample.met.files > 0;
    return isShort || this.#has(failures) ? 'partial' : 'good';
  }

  run(at: number): DrillRun {
    return {
      at,
      seed: this.seed,
      snapshots: this.snapshots.slice(0, 1000).map(({ seq }) => seq),
      result: this.result,
      files: this.restoredFiles,
      bytes: this.restoredBytes,
      firstFileMs: this.firstFileMs,
      restoreMs: this.restoreMs,
      counts: this.counts,
      problems: this.problems.map(problemOf),
      drilled: this.#marks,
    };
  }

  #has(outcomes: ReadonlySet<DrillOutcome>): boolean {
    return [...outcomes].some((outcome) => this.count(outcome) > 0);
  }

  #count(name: string): void {
    this.#counts.set(name, this.count(name) + 1);
  }
}

function problemOf({ outcome, path, reason = '' }: DrilledFile): DrillProblem {
  return { outcome, path: printable(withSlash(path)), reason: reason.slice(0, MAX_REASON) };
}
