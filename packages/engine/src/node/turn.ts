/**
 * Lets messages in during long work on the main thread. Promises alone do not: as long as each is settled by the last
 * one, no file that was read and no answer of a worker gets its turn.
 */

/** Milliseconds without a look at what came in. Worker threads wait that long for their next task. */
const TURN_MS = 3;

export class Turn {
  #last = performance.now();

  /** Undefined when it is not time yet. */
  take(): Promise<void> | undefined {
    if (performance.now() - this.#last < TURN_MS) return undefined;
    return new Promise((resolve) =>
      setImmediate(() => {
        this.#last = performance.now();
        resolve();
      }),
    );
  }
}
