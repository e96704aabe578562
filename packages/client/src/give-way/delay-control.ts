/**
 * How fast to send so that others on the line do not notice, by the way of LEDBAT (RFC 6817): what a packet waits in the
 * queue of the line shows as round-trip time above the least that was seen, and the rate follows the distance of that
 * from a target. A call needs the queue short; whoever sends without such care makes it long, and gets the line.
 *
 * As in LEDBAT++ (draft-irtf-iccrg-ledbat-plus-plus), the rate falls by a share of itself, and once a minute sending
 * nearly stops for a moment, to see the line without its own queue. Unlike there, a rate takes the place of a window:
 * this sends through TCP, whose window is not its to set.
 *
 * Pure: time comes in with the samples.
 */

/**
 * RFC 6817 §2.4.2 allows 100 ms, which are not to be passed for long: what is measured is some samples old, so that 60
 * are aimed at, as in LEDBAT++.
 */
const TARGET_DELAY = 60;
/** Bytes a second below which it never goes, so that a backup ends some day and servers do not give up. */
export const LEAST_RATE = 16_000;
/** Milliseconds: how soon after an answer, or sooner, the next is asked for. */
export const SAMPLES_EVERY = 150;
const FIRST_RATE = 64_000;
/** RFC 6817 §2.5: the least of some samples is the delay now, since much else makes single ones late. */
const CURRENT_FILTER = 2;
/** RFC 6817 §2.5: minima of ten minutes, so that a line that became longer is noticed. */
const BASE_HISTORY = 10;
const MINUTE = 60_000;
/** Milliseconds, and from when on: a first look is worth nothing on a line that is not full yet. */
const SLOWDOWN = { every: 60_000, lasts: 600 };
/** A second: doubled while it looks for the line's end, then by a quarter. */
const GROWTH = { starting: 2, steady: 0.25 };
/** How far above what really went the rate may be: a promise that the line did not keep is none. */
const HEADROOM = 1.5;

interface Minute {
  readonly since: number;
  least: number;
}

export class DelayControl {
  #rate = FIRST_RATE;
  #isStarting = true;
  #recent: number[] = [];
  #minutes: Minute[] = [];
  #sampledAt: number | undefined;
  /** What was decided before this shows only from here on. */
  #settledAt = Number.NEGATIVE_INFINITY;
  #slowdownAt: number | undefined;
  /** Bytes that went since `measuredAt`, and the rate that this made before. */
  #passed = 0;
  #measuredAt: number | undefined;
  #throughput = FIRST_RATE;

  /** Bytes a second. */
  rate(now: number): number {
    return this.#isSlowedDown(now) || this.#isOverdue(now) ? LEAST_RATE : this.#rate;
  }

  /** An answer that is late tells of the queue before it comes. */
  #isOverdue(now: number): boolean {
    if (this.#sampledAt === undefined) return false;
    return now - this.#sampledAt > SAMPLES_EVERY + this.#base() + 2 * TARGET_DELAY;
  }

  passed(bytes: number): void {
    this.#passed += bytes;
  }

  /** The round-trip time that was just measured, in milliseconds; of an answer that did not come, how long was waited. */
  sample(roundTrip: number, now: number): void {
    const elapsed = Math.min(1000, now - (this.#sampledAt ?? now));
    this.#sampledAt = now;
    this.#noteBase(roundTrip, now);
    this.#measure(now);
    if (this.#mustSlowDown(now)) return;
    this.#recent = [...this.#recent, roundTrip].slice(-CURRENT_FILTER);
    const queueing = Math.min(...this.#recent) - this.#base();
    if (queueing > TARGET_DELAY) this.#fall(queueing, now);
    else this.#grow(queueing, elapsed);
  }

  #grow(queueing: number, elapsed: number): void {
    if (queueing > TARGET_DELAY / 2) this.#isStarting = false;
    const gain = this.#isStarting ? GROWTH.starting : GROWTH.steady;
    const factor = 1 + (gain * (1 - queueing / TARGET_DELAY) * elapsed) / 1000;
    const most = Math.max(2 * LEAST_RATE, HEADROOM * this.#throughput, this.#rate / factor);
    this.#rate = Math.max(LEAST_RATE, Math.min(most, this.#rate * factor));
  }

  #fall(queueing: number, now: number): void {
    this.#isStarting = false;
    if (now < this.#settledAt) return;
    const excess = queueing / TARGET_DELAY - 1;
    // From what goes, not from what was hoped for.
    const from = Math.min(this.#rate, HEADROOM * this.#throughput);
    this.#rate = Math.max(LEAST_RATE, from * Math.max(0.5, 1 - excess / 4));
    this.#settledAt = now + queueing + this.#base();
  }

  #base(): number {
    return Math.min(...this.#minutes.map(({ least }) => least));
  }

  #noteBase(roundTrip: number, now: number): void {
    const current = this.#minutes.at(-1);
    if (current === undefined || now - current.since >= MINUTE) {
      this.#minutes = [...this.#minutes, { since: now, least: roundTrip }].slice(-BASE_HISTORY);
    } else current.least = Math.min(current.least, roundTrip);
  }

  #measure(now: number): void {
    this.#measuredAt ??= now;
    const elapsed = now - this.#measuredAt;
    if (elapsed < 500) return;
    this.#throughput = (this.#passed * 1000) / elapsed;
    this.#passed = 0;
    this.#measuredAt = now;
  }

  #isSlowedDown(now: number): boolean {
    return this.#slowdownAt !== undefined && now >= this.#slowdownAt && now < this.#slowdownAt + SLOWDOWN.lasts;
  }

  /** What is measured meanwhile is of the line without its own queue, and no reason to send more afterwards. */
  #mustSlowDown(now: number): boolean {
    this.#slowdownAt ??= now + SLOWDOWN.every;
    if (this.#isSlowedDown(now)) {
      this.#measuredAt = now;
      this.#passed = 0;
      return true;
    }
    if (now >= this.#slowdownAt) this.#slowdownAt = now + SLOWDOWN.every;
    return false;
  }
}
