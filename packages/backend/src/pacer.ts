/**
 * Holds writes together to a rate that may change at any moment, in the middle of a write too. Long writes go one after
 * the other, so that each is there before the next begins; short ones pass between their pieces.
 */

export interface WriteLimit {
  /** Asked before each piece and while one waits, so that a schedule may change it. Infinity: no limit. `length`: of the whole write. */
  readonly bytesPerSecond: (length: number) => number;
  /** Monotone milliseconds. */
  readonly now: () => number;
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** So many bytes were let through, limited or not: for who measures. */
  readonly onPassed?: (bytes: number) => void;
}

/** Longer than records and most objects, shorter than packs. */
const LONG_WRITE: number = 1024 * 1024;
/** A new rate holds within so many milliseconds for who waits already. */
const ASKED_EVERY = 500;
/** Where a limit holds, pieces are what it lets through in so many milliseconds: a line takes a piece at once, and others wait for it. */
const PIECE_MILLISECONDS = 20;
const PIECES = { least: 4096, most: 65_536, unlimited: 1024 * 1024 };

export interface PacedWrite {
  /** How long the next piece is best. */
  pieceLength(): number;
  /** Resolves when so many bytes may go. Rejects with the signal's reason as soon as that is aborted. */
  pace(bytes: number, options?: PaceOptions): Promise<void>;
  /** All of it has gone, or it failed; again is nothing. */
  end(): void;
}

export interface PaceOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called about twice a second while it waits. */
  readonly onWait?: (() => void) | undefined;
}

export class Pacer {
  readonly #limit: WriteLimit;
  /** Bytes that were asked for so far, and those of them that the rate has let through: who waits, waits for a place in that line. */
  #asked = 0;
  #passed = 0;
  #seenAt = Number.NEGATIVE_INFINITY;
  /** Ends when all long writes so far have gone out or failed. */
  #earlier: Promise<unknown> = Promise.resolve();

  constructor(limit: WriteLimit) {
    this.#limit = limit;
  }

  begin(length: number): PacedWrite {
    const isLong = length > LONG_WRITE && this.#rateFor(length) !== undefined;
    const before = isLong ? this.#earlier : undefined;
    const { promise: gone, resolve: onGone } = Promise.withResolvers<void>();
    if (before !== undefined) this.#earlier = Promise.all([before, gone]);
    let isTurn = before === undefined;
    return {
      pieceLength: () => this.#pieceLength(length),
      pace: async (bytes, { signal, onWait } = {}) => {
        const beating = onWait === undefined ? undefined : setInterval(onWait, ASKED_EVERY);
        try {
          if (!isTurn) await unlessAborted(before, signal);
          isTurn = true;
          await this.#pace(bytes, length, signal);
        } finally {
          clearInterval(beating);
        }
      },
      end: onGone,
    };
  }

  async #pace(bytes: number, length: number, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    this.#advance(this.#rateFor(length), this.#limit.now());
    this.#asked += bytes;
    const place = this.#asked;
    for (let sleptUntil = Number.NEGATIVE_INFINITY; ; ) {
      const rate = this.#rateFor(length);
      this.#advance(rate, Math.max(sleptUntil, this.#limit.now()));
      // Less than a byte is what numbers of milliseconds leave over.
      if (rate === undefined || this.#passed > place - 1) break;
      const wait = Math.min(ASKED_EVERY, ((place - this.#passed) * 1000) / rate);
      sleptUntil = this.#seenAt + wait;
      await unlessAborted(this.#limit.sleep(wait), signal);
    }
    this.#limit.onPassed?.(bytes);
  }

  /** Time in which nobody wrote is not saved up. */
  #advance(rate: number | undefined, now: number): void {
    const milliseconds = Math.max(0, now - this.#seenAt);
    this.#seenAt = Math.max(now, this.#seenAt);
    const passed = rate === undefined ? this.#asked : this.#passed + (milliseconds * rate) / 1000;
    this.#passed = Math.min(this.#asked, passed);
  }

  #rateFor(length: number): number | undefined {
    const rate = this.#limit.bytesPerSecond(length);
    return rate > 0 && rate < Number.POSITIVE_INFINITY ? rate : undefined;
  }

  #pieceLength(length: number): number {
    const rate = this.#rateFor(length);
    if (rate === undefined) return PIECES.unlimited;
    return Math.round(Math.min(PIECES.most, Math.max(PIECES.least, (rate * PIECE_MILLISECONDS) / 1000)));
  }
}

/** Waits for `promise`; rejects with the signal's reason as soon as that is aborted. */
async function unlessAborted(promise: Promise<unknown> | undefined, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return void (await promise);
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => {
    reject(signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason)));
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
