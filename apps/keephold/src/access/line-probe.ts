/**
 * Measures the round-trip time to a server over and over, by the shortest request that there is, on a connection of its
 * own: what waits in the queue of the line between keeps these waiting, too. It asks for nothing that needs to be known,
 * and any answer will do.
 */
import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { DelayControl, SAMPLES_EVERY } from '@keephold/client';

export interface LineProbeOptions {
  readonly origin: string;
  /** Asked before each measurement. */
  readonly isWanted: () => boolean;
}

/** Of a server, for strangers. Any answer will do, also that of a proxy which does not know it. */
const HEALTH = '/health';
/** Milliseconds. */
const PATIENCE = 2000;

export class LineProbe implements Disposable {
  /** How fast to send, by what was measured. */
  readonly control: DelayControl = new DelayControl();
  readonly #options: LineProbeOptions;
  readonly #agent: HttpAgent;
  #timer: NodeJS.Timeout | undefined;
  #isEnded = false;

  constructor(options: LineProbeOptions) {
    this.#options = options;
    const keepAlive = { keepAlive: true, maxSockets: 1 };
    this.#agent = options.origin.startsWith('https:') ? new HttpsAgent(keepAlive) : new HttpAgent(keepAlive);
    this.#again(0);
  }

  [Symbol.dispose](): void {
    this.#isEnded = true;
    clearTimeout(this.#timer);
    this.#agent.destroy();
  }

  #again(milliseconds: number): void {
    if (this.#isEnded) return;
    this.#timer = setTimeout(() => void this.#look(), milliseconds);
    // Nobody waits for it.
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    const since = performance.now();
    if (this.#options.isWanted()) {
      const roundTrip = await this.#measure();
      if (roundTrip !== undefined && !this.#isEnded) this.control.sample(roundTrip, performance.now());
    }
    this.#again(Math.max(10, SAMPLES_EVERY - (performance.now() - since)));
  }

  /** Undefined when a connection had to be made for it, or none can be: that takes its own time. */
  async #measure(): Promise<number | undefined> {
    const start = this.#agent instanceof HttpsAgent ? requestHttps : requestHttp;
    const asked = start(this.#options.origin + HEALTH, { agent: this.#agent });
    return await new Promise((resolve) => {
      const since = performance.now();
      const late = setTimeout(() => {
        asked.destroy();
        resolve(PATIENCE);
      }, PATIENCE);
      const end = (roundTrip: number | undefined): void => {
        clearTimeout(late);
        resolve(roundTrip);
      };
      asked.on('response', (answer: IncomingMessage) => {
        const took = performance.now() - since;
        answer.resume();
        answer.on('close', () => end(asked.reusedSocket ? took : undefined));
      });
      asked.on('error', () => end(undefined));
      asked.end();
    });
  }
}
