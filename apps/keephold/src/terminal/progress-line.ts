/**
 * The one live line on a terminal: what is done, how fast, how long it will take, and the file at hand. Nothing at all
 * where there is no terminal. It must never be the reason for more than ten writes a second.
 */
import type { Output } from './output.ts';
import { printable } from './printable.ts';
import { displayWidth, keepEnd } from './text-table.ts';
import { counted, formatBytes, formatDuration, formatRate, formatShare } from './units.ts';

export interface Progress {
  readonly files: number;
  readonly bytes: number;
  /** What it will be in the end, as far as it is known. */
  readonly totalFiles?: number | undefined;
  readonly totalBytes?: number | undefined;
  readonly currentPath?: Uint8Array | undefined;
  readonly errors?: number | undefined;
}

const drawEvery = 100;
/** The rate is that of the last seconds, so that it follows what happens now. */
const rateWindow = 5_000;

export class ProgressLine {
  readonly #output: Output;
  readonly #label: string;
  readonly #now: () => number;
  readonly #samples: { readonly at: number; readonly bytes: number }[] = [];
  #last: Progress | undefined;
  #drawnAt = Number.NEGATIVE_INFINITY;
  #shown = false;

  /** `now` in milliseconds, monotonic. */
  constructor(output: Output, label: string, now: () => number = () => performance.now()) {
    this.#output = output;
    this.#label = label;
    this.#now = now;
    output.setLiveLine(this);
  }

  update(progress: Progress): void {
    if (this.#output.liveWidth === undefined) return;
    this.#last = progress;
    const now = this.#now();
    if (now - this.#drawnAt < drawEvery) return;
    this.#drawnAt = now;
    this.#samples.push({ at: now, bytes: progress.bytes });
    while (this.#samples.length > 2 && now - (this.#samples[0]?.at ?? now) > rateWindow) this.#samples.shift();
    this.draw();
  }

  draw(): void {
    const width = this.#output.liveWidth;
    if (width === undefined || this.#last === undefined) return;
    this.#output.writeLive(`\r\x1b[K${progressText(this.#label, this.#last, this.#rate(), width)}`);
    this.#shown = true;
  }

  clear(): void {
    if (this.#shown) this.#output.writeLive('\r\x1b[K');
    this.#shown = false;
  }

  /** Removes the line for good. */
  end(): void {
    this.clear();
    this.#output.setLiveLine(undefined);
  }

  /** Bytes a second; undefined while there is too little to tell. */
  #rate(): number | undefined {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || last.at - first.at < 500) return undefined;
    return ((last.bytes - first.bytes) / (last.at - first.at)) * 1000;
  }
}

/** The line's text in at most `width` columns. */
export function progressText(label: string, progress: Progress, rate: number | undefined, width: number): string {
  const { files, bytes, totalBytes, totalFiles, errors } = progress;
  const known = totalBytes !== undefined && totalBytes >= bytes;
  const parts = [
    `${label}${known ? ` ${formatShare(bytes, totalBytes)}` : ''}`,
    totalFiles !== undefined && totalFiles >= files
      ? `${counted(files, 'file')} of ${totalFiles.toLocaleString('en-US')}`
      : counted(files, 'file'),
    known ? `${formatBytes(bytes)} of ${formatBytes(totalBytes)}` : formatBytes(bytes),
  ];
  if (rate !== undefined) parts.push(formatRate(rate));
  const left = known && rate !== undefined && rate > 0 ? ((totalBytes - bytes) / rate) * 1000 : undefined;
  if (left !== undefined && left > 1000) parts.push(`${formatDuration(left)} left`);
  if (errors !== undefined && errors > 0) parts.push(counted(errors, 'error'));
  const head = parts.join(', ');
  const room = width - displayWidth(head) - 2;
  if (progress.currentPath === undefined || room < 12) return keepEnd(head, width);
  return `${head}  ${keepEnd(printable(progress.currentPath), room)}`;
}
