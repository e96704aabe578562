/**
 * When a running command is to be killed: a random time, drawn over the part of its run in which it changes files, which
 * begins with the first change that is seen and not with the start of a process. How long that part is, is learnt.
 */
import { type FSWatcher, watch } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SeededRandom } from './seeded-random.ts';

/** One in so many is killed before it changes anything. */
const EARLY = 12;
/** So that about one in twelve is done before it is killed: killed is what came late, too. */
const [SHORTER, LONGER] = [0.92, 1.007];
const LEAST_MS = 3;

export class KillClock {
  readonly #random: SeededRandom;
  /** From the start to the first change, and from there to the end. */
  #before = 100;
  #span = 400;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  /** From a run that nobody disturbed. */
  learn({ first, ended }: { readonly first: number; readonly ended: number }): void {
    this.#before = first;
    this.#span = Math.max(LEAST_MS, ended - first);
  }

  wasKilled(): void {
    this.#span *= LONGER;
  }

  wasDone(): void {
    this.#span = Math.max(LEAST_MS, this.#span * SHORTER);
  }

  /** Resolves at the moment; `changed` at the first change. */
  async moment(changed: Promise<void>): Promise<void> {
    if (this.#random.below(EARLY) === 0) return await sleep(this.#random.below(Math.ceil(this.#before)));
    const later = this.#random.below(1000) / 1000;
    await changed;
    await sleep(later * this.#span);
  }
}

/** Tells of the first change beneath a folder. */
export function firstChange(folder: string): Disposable & { readonly seen: Promise<void> } {
  const { promise: seen, resolve } = Promise.withResolvers<void>();
  const watcher: FSWatcher = watch(folder, { recursive: true }, () => resolve());
  // What is removed while it is looked for has changed as well.
  watcher.on('error', () => resolve());
  return { seen, [Symbol.dispose]: () => watcher.close() };
}
