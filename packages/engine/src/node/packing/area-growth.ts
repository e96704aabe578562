/**
 * More areas when workers wait for them and the process has the memory. What a run needs besides areas differs by tens
 * of MiB with what it backs up: few large files leave room that a hundred thousand small ones do not.
 */
import type { AreaPool } from './area-pool.ts';
import { packAreaBytes } from './pack-builder.ts';

/** Packs between two looks: a wait now and then is the disk catching its breath. */
const PACKS_A_LOOK = 4;
/** Of the time of one worker: below it an area more saves nothing that shows. */
const WAITED_SHARE = 0.3;
/** Of packs: one that finds no free area to follow it is named at once, not beside the next blobs, in twice the time. */
const MISSED_SHARE = 0.5;
/** Left free for what else may grow: trees and tables do, with a hundred thousand files. */
const MARGIN_BYTES: number = 34 * 1024 * 1024;

export interface AreaGrowthOptions {
  readonly pool: Pick<AreaPool, 'waitedMs' | 'missed' | 'open'>;
  /** Bytes the process may use. */
  readonly memory: number;
  /** Bytes it uses. */
  readonly residentBytes: () => number;
  /** Milliseconds of any clock that only goes forward. */
  readonly now: () => number;
}

export class AreaGrowth {
  readonly #options: AreaGrowthOptions;
  #packs = 0;
  #waited = 0;
  #missed = 0;
  #from: number;

  constructor(options: AreaGrowthOptions) {
    this.#options = options;
    this.#from = options.now();
  }

  /** One more pack is on its way. */
  notePack(): void {
    if (++this.#packs % PACKS_A_LOOK !== 0) return;
    const { pool, memory, residentBytes, now } = this.#options;
    const share = (pool.waitedMs - this.#waited) / (now() - this.#from);
    const missed = (pool.missed - this.#missed) / PACKS_A_LOOK;
    this.#missed = pool.missed;
    this.#waited = pool.waitedMs;
    this.#from = now();
    const isScarce = share >= WAITED_SHARE || missed >= MISSED_SHARE;
    if (isScarce && residentBytes() + packAreaBytes(1) + MARGIN_BYTES <= memory) pool.open();
  }
}
