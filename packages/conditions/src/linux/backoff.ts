/** Calls later and later, and keeps no process alive for it. */
export class Backoff {
  readonly #first: number;
  readonly #most: number;
  #delay: number;
  #timer: NodeJS.Timeout | undefined;

  /** Milliseconds. */
  constructor({ first, most }: { readonly first: number; readonly most: number }) {
    this.#first = first;
    this.#most = most;
    this.#delay = first;
  }

  next(then: () => void): void {
    this.stop();
    this.#timer = setTimeout(then, this.#delay);
    this.#timer.unref();
    this.#delay = Math.min(this.#most, this.#delay * 2);
  }

  reset(): void {
    this.#delay = this.#first;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
