/**
 * Which blocks of our code have run, by V8's own precise coverage: the feedback of the fuzzer. Block counts are looked at
 * as "ran" or "did not".
 */
import { Session } from 'node:inspector';

interface Range {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly count: number;
}
interface Script {
  readonly scriptId: string;
  readonly url: string;
  readonly functions: readonly { readonly ranges: readonly Range[] }[];
}

export class Coverage {
  readonly #session = new Session();
  readonly #ran = new Set<string>();

  constructor() {
    this.#session.connect();
    this.#post('Profiler.enable');
    this.#post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** Blocks seen so far. */
  get blocks(): number {
    return this.#ran.size;
  }

  /** Whether anything ran since the last question that had not run before, and notes it. */
  isNew(): boolean {
    const before = this.#ran.size;
    for (const script of this.#take()) {
      if (!/\/(packages|apps)\//.test(script.url)) continue;
      for (const { ranges } of script.functions) {
        for (const { startOffset, endOffset, count } of ranges) {
          if (count > 0) this.#ran.add(`${script.scriptId}:${startOffset}:${endOffset}`);
        }
      }
    }
    return this.#ran.size > before;
  }

  /** Nothing has run yet. */
  forget(): void {
    this.#ran.clear();
  }

  close(): void {
    this.#session.disconnect();
  }

  #take(): readonly Script[] {
    return (this.#post('Profiler.takePreciseCoverage') as { readonly result: readonly Script[] }).result;
  }

  /** The session of the own thread answers before it returns. */
  #post(method: string, parameters: object = {}): unknown {
    let answer: unknown;
    this.#session.post(method, parameters, (error, result) => {
      if (error !== null) throw new Error(`${method}: ${error.message}`);
      answer = result;
    });
    return answer;
  }
}
