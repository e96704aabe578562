/**
 * What a server tells Prometheus. Labels have few values, all of them known from the code: never an id, a name, an
 * address, or anything else that somebody sent.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** Seconds: from a call that the memory answers to a pack by a thin line. */
const SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 300];
/** A source that is away must not hold up all others. */
const GAUGE_LIMIT = 2000;

type Labels = Readonly<Record<string, string>>;

export class Metrics {
  readonly #registry = new Registry();

  /** With memory, event loop, garbage collection and open files of the process. */
  constructor() {
    collectDefaultMetrics({ register: this.#registry });
  }

  /** The exposition format of Prometheus. */
  async text(): Promise<string> {
    return await this.#registry.metrics();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  counter(name: string, help: string, labelNames: readonly string[]): (labels: Labels, by?: number) => void {
    const counter = new Counter({ name: `keephold_${name}`, help, labelNames, registers: [this.#registry] });
    return (labels, by = 1) => counter.inc({ ...labels }, by);
  }

  /** Seconds, by labels. */
  durations(name: string, help: string, labelNames: readonly string[]): (labels: Labels, seconds: number) => void {
    const histogram = new Histogram({
      ...{ name: `keephold_${name}_seconds`, help, labelNames, buckets: SECONDS },
      registers: [this.#registry],
    });
    return (labels, seconds) => histogram.observe({ ...labels }, seconds);
  }

  /** Asked each time somebody looks; NaN when it fails or takes too long. */
  gauge(name: string, help: string, read: () => number | Promise<number>): void {
    const gauge: Gauge = new Gauge({
      ...{ name: `keephold_${name}`, help, registers: [this.#registry] },
      collect: async (): Promise<void> => gauge.set(await readInTime(read)),
    });
  }
}

async function readInTime(read: () => number | Promise<number>): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const timer = setTimeout(resolve, GAUGE_LIMIT, Number.NaN);
  const reading = async (): Promise<number> => await read();
  try {
    return await Promise.race([promise, reading().catch(() => Number.NaN)]);
  } finally {
    clearTimeout(timer);
  }
}
