/** The control on lines that are computed: a queue that fills at what is sent and empties at what the line carries. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DelayControl, LEAST_RATE, SAMPLES_EVERY } from './delay-control.ts';

/** Milliseconds: what RFC 6817 allows. */
const ALLOWED = 100;
const STEP = 10;

class Line {
  readonly control = new DelayControl();
  now = 0;
  /** Bytes. */
  queue = 0;
  sent = 0;
  /** What else sends, in bytes a second; greedy ones fill the queue to `limit` and keep it there. */
  others = 0;
  isGreedy = false;
  /** Milliseconds of the queue, at each step. */
  readonly delays: number[] = [];
  readonly capacity: number;
  /** Milliseconds. */
  readonly distance: number;
  #asked: { readonly at: number; readonly roundTrip: number } | undefined;
  #askAt = 0;

  constructor(capacity: number, distance: number) {
    this.capacity = capacity;
    this.distance = distance;
  }

  run(seconds: number): { readonly share: number; readonly usual: number; readonly worst: number } {
    const before = this.sent;
    this.delays.length = 0;
    for (const end = this.now + seconds * 1000; this.now < end; this.now += STEP) this.#step();
    const usual = this.delays.reduce((sum, one) => sum + one, 0) / this.delays.length;
    return {
      usual,
      share: (this.sent - before) / (this.capacity * seconds),
      worst: this.delays.reduce((worst, one) => Math.max(worst, one), 0),
    };
  }

  get delay(): number {
    return (this.queue * 1000) / this.capacity;
  }

  #step(): void {
    const mine = (this.control.rate(this.now) * STEP) / 1000;
    this.queue += mine + (this.others * STEP) / 1000;
    if (this.isGreedy) this.queue = Math.max(this.queue, this.capacity * 0.4);
    this.queue = Math.max(0, this.queue - (this.capacity * STEP) / 1000);
    this.sent += mine;
    this.control.passed(mine);
    this.delays.push(this.delay);
    const asked = this.#asked;
    if (asked !== undefined && this.now >= asked.at + asked.roundTrip) {
      this.control.sample(asked.roundTrip, this.now);
      this.#asked = undefined;
      this.#askAt = Math.max(this.now, asked.at + SAMPLES_EVERY);
    }
    if (this.#asked !== undefined || this.now < this.#askAt) return;
    this.#asked = { at: this.now, roundTrip: this.distance + this.delay };
  }
}

test('alone it fills the line, whatever line, and the queue stays near what is allowed', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 60_000, max: 50_000_000 }),
      fc.integer({ min: 1, max: 150 }),
      (capacity, distance) => {
        const line = new Line(capacity, distance);
        line.run(60);
        const { share, usual, worst } = line.run(120);
        expect(share).toBeGreaterThan(0.65);
        expect(usual).toBeLessThan(ALLOWED);
        // It is told that much later on a long line.
        expect(worst).toBeLessThan(3 * ALLOWED + distance);
      },
    ),
    { numRuns: 40 },
  );
});

test('it makes room for a call, and takes the room back afterwards', () => {
  for (const capacity of [250_000, 2_500_000]) {
    const line = new Line(capacity, 30);
    line.run(30);
    line.others = 0.6 * capacity;
    line.run(4);
    const during = line.run(60);
    expect(during.worst).toBeLessThan(1.5 * ALLOWED);
    expect(during.share).toBeGreaterThan(0.2);
    line.others = 0;
    line.run(15);
    expect(line.run(30).share).toBeGreaterThan(0.7);
  }
});

test('it gets out of the way of who takes all of the line, and never stops', () => {
  const line = new Line(1_000_000, 30);
  line.run(30);
  line.isGreedy = true;
  line.run(10);
  expect(line.control.rate(line.now)).toBe(LEAST_RATE);
  line.isGreedy = false;
  line.run(40);
  expect(line.run(30).share).toBeGreaterThan(0.7);
});

test('its own queue never becomes what it takes for the length of the line', () => {
  const line = new Line(500_000, 40);
  line.run(3600);
  expect(line.run(120).worst).toBeLessThan(2.5 * ALLOWED);
});

test('a line that became longer is believed after some minutes', () => {
  const line = new Line(500_000, 20);
  line.run(60);
  const longer = new Line(500_000, 220);
  Object.assign(longer, { control: line.control, now: line.now });
  longer.run(15 * 60);
  expect(longer.run(60).share).toBeGreaterThan(0.7);
});
