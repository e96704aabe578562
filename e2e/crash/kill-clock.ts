/**
 * When a running command is to be killed: at a random point of the part of its run in which it changes files. Half of the
 * points are times after the first change, half are numbers of changes, so that short steps in which much is written are
 * hit as well. How long that part is, is learnt: on a busy machine it is never the same twice.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { FileChanges } from './file-changes.ts';
import type { SeededRandom } from './seeded-random.ts';

/** One in so many is killed before it changes anything. */
const EARLY = 12;
/** So that about one in twelve is done before it is killed: what comes late is hit, too. */
const [SHORTER, LONGER] = [0.92, 1.007];
const LEAST_MS = 3;
/** After a change, so that it is not always the same step that comes next. */
const JITTER_MS = 3;

export interface Undisturbed {
  /** Milliseconds from the start to the first change, and to the end. */
  readonly first: number;
  readonly ended: number;
  readonly changes: number;
}

type Measure = 'time' | 'changes';

export class KillClock {
  readonly #random: SeededRandom;
  readonly #before: number;
  /** Milliseconds from the first change to the end; number of changes. */
  readonly #length: Record<Measure, number>;
  #measure: Measure = 'time';

  constructor(random: SeededRandom, { first, ended, changes }: Undisturbed) {
    this.#random = random;
    this.#before = first;
    this.#length = { time: Math.max(LEAST_MS, ended - first), changes };
  }

  /** Resolves at the moment. */
  async moment(changes: FileChanges): Promise<void> {
    if (this.#random.below(EARLY) === 0) return await sleep(this.#random.below(Math.ceil(this.#before)));
    this.#measure = this.#random.below(2) === 0 ? 'time' : 'changes';
    const part = (this.#random.below(1000) / 1000) * this.#length[this.#measure];
    await changes.reached(this.#measure === 'time' ? 1 : 1 + Math.floor(part));
    await sleep(this.#measure === 'time' ? part : this.#random.below(JITTER_MS));
  }

  wasKilled(): void {
    this.#length[this.#measure] *= LONGER;
  }

  wasDone(): void {
    this.#length[this.#measure] = Math.max(LEAST_MS, this.#length[this.#measure] * SHORTER);
  }
}
