/** The account of a restore: each item's fate, and the sums. Failed items are always told, others when asked for. */
import { FS_SNAPSHOT, LIVE } from '@keephold/engine';
import type { RestoredItem, RestoreReport } from '@keephold/engine/node';
import { type Output, pathFields } from '../terminal/output.ts';
import { printable } from '../terminal/printable.ts';
import { counted, formatBytes, formatCount, formatDuration, formatRate } from '../terminal/units.ts';
import { typeName } from './node-text.ts';

export interface RestoreAccountOptions {
  /** List every item. */
  readonly verbose: boolean;
  readonly dryRun: boolean;
}

const outcomes = ['restored', 'identical', 'skipped', 'failed', 'deleted'] as const;
type Sums = Record<(typeof outcomes)[number], number>;

export class RestoreAccount {
  readonly #out: Output;
  readonly #options: RestoreAccountOptions;
  readonly #sums: Sums = { restored: 0, identical: 0, skipped: 0, failed: 0, deleted: 0 };
  readonly #problems = new Map<string, number>();
  #bytes = 0;
  #live = 0;
  #kept = 0;
  #durationMs = 0;
  #interrupted = false;
  /** Lines are written in order, whatever the caller awaits. */
  #writing: Promise<void> = Promise.resolve();

  constructor(out: Output, options: RestoreAccountOptions) {
    this.#out = out;
    this.#options = options;
  }

  get failed(): number {
    return this.#sums.failed;
  }

  get interrupted(): boolean {
    return this.#interrupted;
  }

  item(item: RestoredItem): void {
    if (isKept(item)) this.#kept++;
    // Nearly every item of a restore has nothing to tell, and a promise each would cost more than the item.
    if (!this.#isTold(item)) return;
    this.#writing = this.#writing.then(() => this.#tell(item));
  }

  /** What the snapshot says of how a file was read. */
  note(path: Uint8Array, note: string): void {
    // Of most files, or none: no reason to look at one of them.
    if (note === FS_SNAPSHOT) return;
    if (note === LIVE) this.#live++;
    if (!this.#out.json && !this.#options.verbose) return;
    this.#writing = this.#writing.then(async () => {
      if (this.#out.json) await this.#out.record({ type: 'note', ...pathFields(path), note });
      else await this.#out.pathLine('as read    ', path, `  (${printable(note)})`);
    });
  }

  #isTold(item: RestoredItem): boolean {
    const { outcome } = item;
    if (this.#out.json || outcome === 'failed') return true;
    const plain = outcome === 'restored' || outcome === 'identical' || isKept(item);
    return !this.#out.quiet && (!plain || this.#options.verbose);
  }

  async #tell(item: RestoredItem): Promise<void> {
    const { type, outcome, reason, bytes, problems } = item;
    // The target's own folder.
    const path = item.path.length === 0 ? Buffer.from('.') : item.path;
    if (this.#out.json) {
      const told = {
        kind: typeName(type),
        outcome,
        reason: reason ?? null,
        bytes,
        problems,
        dryRun: this.#options.dryRun,
      };
      return this.#out.record({ type: 'item', ...pathFields(path), ...told });
    }
    if (outcome === 'failed') {
      this.#out.error(`failed: ${printable(path)}: ${reason ?? 'no reason given'}`);
      return;
    }
    const why = [reason, ...problems.map(({ what, reason: because }) => `${what} not restored: ${because}`)];
    const text = why.filter((part) => part !== undefined).join('; ');
    await this.#out.pathLine(`${outcome.padEnd(9)}  `, path, text === '' ? '' : `  (${printable(text)})`);
  }

  add(report: RestoreReport): void {
    for (const outcome of outcomes) this.#sums[outcome] += report[outcome];
    for (const [kind, count] of report.problems) this.#problems.set(kind, (this.#problems.get(kind) ?? 0) + count);
    this.#bytes += report.bytes;
    this.#durationMs += report.durationMs;
    this.#interrupted ||= report.interrupted;
  }

  /** Once everything so far is told. */
  async told(): Promise<void> {
    await this.#writing;
  }

  /** The sums, after everything told before. */
  async print(): Promise<void> {
    await this.#writing;
    const { dryRun } = this.#options;
    await this.#out.record({
      type: 'summary',
      ...this.#sums,
      bytes: this.#bytes,
      problems: Object.fromEntries(this.#problems),
      durationMs: this.#durationMs,
      dryRun,
      interrupted: this.#interrupted,
    });
    if (this.#out.quiet) return;
    const { restored, identical, skipped, failed, deleted } = this.#sums;
    const rate = this.#durationMs > 0 ? `, ${formatRate((this.#bytes / this.#durationMs) * 1000)}` : '';
    const parts = [
      `${dryRun ? 'would restore' : 'restored'} ${counted(restored, 'item')}`,
      `${formatCount(identical)} identical`,
      `${formatCount(skipped)} skipped`,
      `${formatCount(failed)} failed`,
      ...(deleted > 0 ? [`${formatCount(deleted)} ${dryRun ? 'to delete' : 'deleted'}`] : []),
    ];
    await this.#out.result(
      `${parts.join(', ')}; ${formatBytes(this.#bytes)} in ${formatDuration(this.#durationMs)}${rate}`,
    );
    if (this.#kept > 0) {
      const why = 'were there already and stayed as they are (--verbose names them)';
      await this.#out.result(`${counted(this.#kept, 'item')} ${why}`);
    }
    if (this.#live > 0) {
      const how = 'changed while they were backed up, and may mix what was before with what was after';
      await this.#out.result(`${counted(this.#live, 'file')} ${how} (--verbose names them)`);
    }
    if (this.#problems.size === 0) return;
    const problems = [...this.#problems].map(([kind, count]) => `${kind} of ${counted(count, 'item')}`);
    await this.#out.result(`not restored: ${problems.join(', ')} (--verbose names them)`);
  }
}

/** Left as it was because something is there: asked for, and often true of nearly everything. */
function isKept({ outcome, code }: RestoredItem): boolean {
  return outcome === 'skipped' && code === 'exists';
}
