/** A machine with a clock that anybody may set, that sleeps and is started again, and on which runs take as long as asked. */
import type { Conditions, Readings } from '@keephold/conditions';
import { Agent, type AgentFiles } from './agent.ts';
import type { AgentEvent } from './agent-events.ts';
import type { AgentPlan } from './agent-plan.ts';
import { type Ledger, waitsSince } from './ledger/ledger.ts';
import type { LedgerEntry } from './ledger/ledger-entry.ts';
import type { Pause } from './pauses.ts';
import { type RunBook, type RunOutcome, type RunRecord, withRun } from './runs/run-record.ts';
import type { RunEnd } from './runs/runner.ts';
import type { Clock, Moment } from './timing/moment.ts';

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

export interface FakeRun {
  readonly plan: string;
  /** True time: of a clock that nobody can set. */
  readonly began: number;
  ended?: number;
  outcome?: RunOutcome | 'lost';
  /** Whether the machine was started anew, or its clock set back, since the run before. */
  readonly boot: number;
}

const START = Date.UTC(2026, 0, 1);

export class FakeMachine {
  /** Milliseconds since the beginning of the story. */
  time = 0;
  offset = 0;
  plans: AgentPlan[];
  pauses: Pause[] = [];
  book: RunBook = new Map();
  readings: Readings = {};
  entries: LedgerEntry[] = [];
  readonly events: AgentEvent[] = [];
  readonly runs: FakeRun[] = [];
  /** How long runs take, and how they end. */
  runTakes = 60_000;
  outcome: RunOutcome = 'complete';
  canWrite = true;
  /** Another version of the program was installed; who is to be started again is counted. */
  isReplaced = false;
  renewals = 0;
  agent: Agent | undefined;
  boot = 0;
  #bootedAt = 0;
  #timers: Timer[] = [];
  #alive: Moment | undefined;
  #listeners = new Set<() => void>();

  constructor(...plans: readonly AgentPlan[]) {
    this.plans = [...plans];
  }

  get now(): Moment {
    return { wall: START + this.time + this.offset, uptime: this.time - this.#bootedAt, boot: `boot ${this.boot}` };
  }

  startAgent(): void {
    const files: AgentFiles = {
      plans: () => this.plans,
      pauses: () => this.pauses,
      runs: () => this.book,
      addRun: (plan, record) => this.#addRun(plan, record),
      lastAlive: () => this.#alive,
      keepAlive: (now) => {
        this.#alive = now;
      },
    };
    this.agent = new Agent({
      clock: this.#clock(),
      conditions: this.#conditions(),
      files,
      ledger: this.#ledger(),
      runner: { start: (plan) => this.#startRun(plan) },
      onEvent: (event) => this.events.push(event),
      isReplaced: () => this.isReplaced,
      onRenewal: () => {
        this.renewals += 1;
      },
    });
    this.agent.start();
  }

  /** Lets time pass, with everything that happens in it. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.time + milliseconds;
    await settled();
    for (;;) {
      const next = this.#timers.toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > end) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.time = Math.max(this.time, next.at);
      next.callback();
      await settled();
    }
    this.time = end;
  }

  /** Nothing runs, and the clock goes on. */
  async sleep(milliseconds: number): Promise<void> {
    this.time += milliseconds;
    await this.pass(0);
  }

  /** Off, and on again later; what ran is lost. The clock may come back as something else. */
  restart(offFor: number, clockChange = 0): void {
    this.#loseAgent();
    this.time += offFor;
    this.offset += clockChange;
    this.boot += 1;
    this.#bootedAt = this.time;
    this.startAgent();
  }

  /** As by kill -9, and one started after a while. */
  killAgent(awayFor: number): void {
    this.#loseAgent();
    this.time += awayFor;
    this.startAgent();
  }

  change(readings: Readings): void {
    this.readings = readings;
    for (const listener of this.#listeners) listener();
  }

  #loseAgent(): void {
    this.#timers = [];
    this.#listeners.clear();
    const run = this.runs.at(-1);
    if (run !== undefined && run.ended === undefined) Object.assign(run, { ended: this.time, outcome: 'lost' });
  }

  #addRun(plan: string, record: RunRecord): void {
    if (!this.canWrite) throw new Error('ENOSPC');
    this.book = withRun(this.book, plan, record);
  }

  #startRun(plan: string): { pid: number; ended: Promise<RunEnd>; stop(): void } {
    const began = this.now;
    const pid = this.runs.length + 1;
    const run: FakeRun = { plan, began: this.time, boot: this.boot };
    this.runs.push(run);
    const { promise, resolve } = Promise.withResolvers<RunEnd>();
    const end = (outcome: RunOutcome): void => {
      if (run.ended !== undefined) return;
      run.ended = this.time;
      run.outcome = outcome;
      if (this.canWrite) this.#addRun(plan, { mark: 'mark', began, ended: this.now, outcome, pid });
      resolve({ exitCode: { complete: 0, partial: 3, stopped: 130, failed: 1 }[outcome], lastWords: '' });
    };
    this.#after(this.runTakes, () => end(this.outcome));
    return { pid, ended: promise, stop: () => end('stopped') };
  }

  #after(milliseconds: number, callback: () => void): Disposable {
    const timer = { at: this.time + milliseconds, callback };
    this.#timers.push(timer);
    return {
      [Symbol.dispose]: () => {
        this.#timers = this.#timers.filter((one) => one !== timer);
      },
    };
  }

  #clock(): Clock {
    return { now: () => this.now, after: (milliseconds, callback) => this.#after(milliseconds, callback) };
  }

  #conditions(): Conditions {
    return {
      current: () => this.readings,
      onChange: (listener) => {
        this.#listeners.add(listener);
        return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
      },
      stayAwake: async () => ({ [Symbol.asyncDispose]: async () => {} }),
      [Symbol.asyncDispose]: async () => {},
    };
  }

  /** Survives its agent, as a file does. */
  #ledger(): Ledger {
    const { entries } = this;
    return {
      entries,
      append: (entry: LedgerEntry) => void entries.push(entry),
      waitsSince: (plan: string) => waitsSince(entries, plan),
      newestOf: (plan: string) => entries.findLast((entry) => entry.kind !== 'away' && entry.plan === plan),
    } as unknown as Ledger;
  }
}

/** Everything that is to happen at this time has happened: promises of promises included. */
async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}
