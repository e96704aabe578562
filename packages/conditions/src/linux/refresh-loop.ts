/** Asks again for what became stale: all at once, a moment after the first word of it, and never twice at a time. */

// Changes come in bursts: plugging in a cable is a dozen signals.
const moment = 100;

export class RefreshLoop<S> implements AsyncDisposable {
  readonly #refresh: (stale: ReadonlySet<S>) => Promise<void>;
  #stale = new Set<S>();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #isOver = false;

  /** What `refresh` throws is a fault of the program and ends it. */
  constructor(refresh: (stale: ReadonlySet<S>) => Promise<void>) {
    this.#refresh = refresh;
  }

  markStale(subjects: Iterable<S>): void {
    for (const subject of subjects) this.#stale.add(subject);
    this.#schedule();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  #schedule(): void {
    const isComing = this.#timer !== undefined || this.#running !== undefined;
    if (this.#isOver || isComing || this.#stale.size === 0) return;
    this.#timer = setTimeout(() => this.#run(), moment).unref();
  }

  #run(): void {
    this.#timer = undefined;
    const stale = this.#stale;
    this.#stale = new Set();
    this.#running = this.#refresh(stale).finally(() => {
      this.#running = undefined;
      this.#schedule();
    });
  }
}
