/**
 * The agent: looks at every plan when something may have changed, and once a minute, and starts what is due, one run at a
 * time. Whatever it does or does not do is in the ledger. Nothing that fails here ends it: trouble is told, and it looks
 * again.
 */
import { type Conditions, nextEdge, stopsRun } from '@keephold/conditions';
import type { AgentEvent, PlanState } from './agent-events.ts';
import type { AgentPlan } from './agent-plan.ts';
import { blockersReason, decide, pauseReason, type Reason } from './decide.ts';
import type { Ledger } from './ledger/ledger.ts';
import type { LedgerEntry } from './ledger/ledger-entry.ts';
import type { Pause } from './pauses.ts';
import { planState } from './plan-state.ts';
import { type RunBook, type RunRecord, withRun } from './runs/run-record.ts';
import type { Progress, Run, Runner } from './runs/runner.ts';
import { unrecordedRun } from './runs/unrecorded-run.ts';
import { Sight } from './sight.ts';
import { Asked } from './silence.ts';
import { type Clock, elapsed, type Moment } from './timing/moment.ts';

/** What lies on the disk and others change too: read anew at every look. */
export interface AgentFiles {
  plans(): readonly AgentPlan[];
  pauses(): readonly Pause[];
  runs(): RunBook;
  /** Durably, whoever else adds one at the same time. */
  addRun(plan: string, record: RunRecord): void;
  /** When an agent was last known to be alive, and that it is now. */
  lastAlive(): Moment | undefined;
  keepAlive(now: Moment): void;
}

export interface AgentParts {
  readonly clock: Clock;
  readonly conditions: Conditions;
  readonly files: AgentFiles;
  readonly ledger: Ledger;
  readonly runner: Runner;
  readonly onEvent: (event: AgentEvent) => void;
  /** Whether the program was replaced by another version since this began. */
  readonly isReplaced?: () => boolean;
  /** It is to end, and to be started again: no run is going, and none will be started. Once. */
  readonly onRenewal?: () => void;
}

interface Going {
  readonly plan: AgentPlan;
  readonly run: Run;
  readonly began: Moment;
  /** Why it was asked to stop. */
  stopped?: Reason;
  progress?: Progress;
}

const LOOKS_EVERY = 60_000;
/** A look that is this late means that nobody was there. */
const AWAY_AFTER = 5 * 60_000;

export class Agent {
  readonly #parts: AgentParts;
  #plans: readonly AgentPlan[] = [];
  #pauses: readonly Pause[] = [];
  #book: RunBook = new Map();
  /** Runs that could not be written down, by plan: forgotten with this process, and no reason to begin over and over. */
  #unwritten: RunBook = new Map();
  #going: Going | undefined;
  #ending: Promise<void> = Promise.resolve();
  #timer: Disposable | undefined;
  #listening: Disposable | undefined;
  #lookedAt: Moment | undefined;
  #aliveAt: Moment | undefined;
  #isStopped = false;
  /** Nothing is begun any more; it ends when nothing is going. */
  #isRenewing = false;
  readonly #troubles = new Set<string>();
  readonly #asked = new Asked();

  constructor(parts: AgentParts) {
    this.#parts = parts;
  }

  start(): void {
    const { clock, files, conditions } = this.#parts;
    this.#lookedAt = this.#tried('read when an agent last ran', () => files.lastAlive()) ?? clock.now();
    this.#noteAway('no-agent');
    this.#settleLostRuns();
    this.#listening = conditions.onChange(() => this.look());
    this.look();
  }

  /** Looks at every plan now: something has changed. */
  look(): void {
    if (this.#isStopped) return;
    this.#timer?.[Symbol.dispose]();
    this.#noteAway('asleep');
    this.#keepAlive();
    const seen = this.#see();
    if (this.#going !== undefined) this.#stopIfHeld(this.#going, seen);
    this.#isRenewing ||= this.#parts.isReplaced?.() ?? false;
    if (this.#isRenewing && this.#going === undefined && this.#parts.onRenewal !== undefined) {
      this.#isStopped = true;
      return this.#parts.onRenewal();
    }
    const waits = [...this.#plans]
      .sort((a, b) => seen.urgency(b) - seen.urgency(a))
      .map((plan) => this.#act(plan, seen));
    for (const plan of this.#plans) this.#ask(plan, seen);
    const next = Math.min(LOOKS_EVERY, ...waits);
    this.#timer = this.#parts.clock.after(Math.max(100, next), () => this.look());
  }

  /** Ends when no run is going, to be started again: something about the program or how it is started has changed. */
  renew(): void {
    this.#isRenewing = true;
    this.look();
  }

  /** Ends the run that is going, with a checkpoint, and looks no more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.[Symbol.dispose]();
    this.#listening?.[Symbol.dispose]();
    const going = this.#going;
    if (going === undefined) return this.#keepAlive();
    this.#stopRun(going, { code: 'no-agent', message: 'the agent ended' });
    await this.#ending;
    this.#keepAlive();
  }

  states(): readonly PlanState[] {
    const seen = this.#see();
    const going = this.#going;
    return this.#plans.map((plan) => {
      const state = planState(seen.of(plan));
      if (plan.name !== going?.plan.name) return state;
      const { why: _why, nextAt: _nextAt, ...rest } = state;
      return { ...rest, state: 'running', ...(going.progress !== undefined && { progress: going.progress }) };
    });
  }

  #see(): Sight {
    const { clock, conditions, files } = this.#parts;
    // What cannot be read is taken to be as it was.
    this.#plans = this.#tried('read the plans', () => files.plans()) ?? this.#plans;
    this.#pauses = this.#tried('read the pauses', () => files.pauses()) ?? this.#pauses;
    return new Sight({
      now: clock.now(),
      readings: conditions.current(),
      runs: this.#runs(),
      pauses: this.#pauses,
      running: this.#going?.plan.name,
      knownSince: (plan) => this.#parts.ledger.waitsSince(plan),
    });
  }

  #runs(): RunBook {
    this.#book = this.#tried('read the book of runs', () => this.#parts.files.runs()) ?? this.#book;
    let book = this.#book;
    for (const [plan, runs] of this.#unwritten) for (const run of runs) book = withRun(book, plan, run);
    return book;
  }

  /** Milliseconds until there may be something new to do. */
  #act(plan: AgentPlan, seen: Sight): number {
    if (this.#going?.plan.name === plan.name) return untilEdge(plan, seen.now);
    if (this.#isRenewing && this.#parts.onRenewal !== undefined) return LOOKS_EVERY;
    const decision = decide({ ...seen.of(plan), running: this.#going?.plan.name });
    switch (decision.kind) {
      case 'idle':
        this.#noteClear(plan, seen.now);
        return decision.due.inMs;
      case 'wait':
        this.#noteWait(plan, decision.why, seen.now);
        return decision.why.until === undefined ? LOOKS_EVERY : decision.why.until - seen.now.wall;
      case 'run':
        this.#run(plan, seen.now);
        return LOOKS_EVERY;
    }
  }

  #run(plan: AgentPlan, began: Moment): void {
    const { runner, onEvent, clock } = this.#parts;
    const { name, mark } = plan;
    let run: Run;
    try {
      run = runner.start(name, (progress) => this.#onProgress(name, progress));
    } catch (error) {
      const end = { exitCode: undefined, lastWords: (error as Error).message };
      return this.#addRun(name, unrecordedRun({ mark, began, ended: clock.now(), pid: 0, end, stopped: undefined }));
    }
    this.#write({ kind: 'run', plan: name, mark, at: began, pid: run.pid });
    onEvent({ type: 'run-began', plan: name, pid: run.pid });
    const going = { plan, run, began };
    this.#going = going;
    this.#ending = this.#follow(going, this.#runs().get(name)?.at(-1));
  }

  #ask(plan: AgentPlan, seen: Sight): void {
    const { silentMs, why } = planState(seen.of(plan));
    const isAsked = this.#asked.mayAsk(plan.name, silentMs, seen.now);
    if (!isAsked || silentMs === undefined || why === undefined) return;
    this.#parts.onEvent({ type: 'needs-you', plan: plan.name, silentMs, why });
  }

  /** To the end of the run, and holds the machine awake until then. */
  async #follow(going: Going, lastBefore: RunRecord | undefined): Promise<void> {
    const { conditions, clock, onEvent } = this.#parts;
    const { plan, run, began } = going;
    const awake = conditions.stayAwake('a backup is going').catch(() => undefined);
    const end = await run.ended;
    await (await awake)?.[Symbol.asyncDispose]();
    const ended = clock.now();
    const last = this.#runs().get(plan.name)?.at(-1);
    // The run has told how it went, unless it was killed.
    const isTold = last !== undefined && last.pid === run.pid && !isSame(last, lastBefore);
    const record = isTold
      ? last
      : unrecordedRun({ mark: plan.mark, began, ended, pid: run.pid, end, stopped: going.stopped });
    if (!isTold) this.#addRun(plan.name, record);
    this.#write({ kind: 'end', plan: plan.name, at: ended, outcome: record.outcome });
    onEvent({ type: 'run-ended', plan: plan.name, run: record });
    this.#going = undefined;
    this.look();
  }

  #onProgress(plan: string, progress: Progress): void {
    if (this.#going?.plan.name !== plan) return;
    this.#going.progress = progress;
    this.#parts.onEvent({ type: 'progress', plan, ...progress });
  }

  #stopIfHeld(going: Going, seen: Sight): void {
    const plan = this.#plans.find(({ name }) => name === going.plan.name);
    const why =
      plan === undefined
        ? { code: 'no-plan', message: 'the plan was removed' }
        : (pauseReason(seen.of(plan)) ?? blockersReason(seen.blockers(plan).filter(stopsRun)));
    if (why !== undefined) this.#stopRun(going, why);
  }

  #stopRun(going: Going, why: Reason): void {
    if (going.stopped === undefined) this.#parts.onEvent({ type: 'stopping', plan: going.plan.name, why });
    going.stopped ??= why;
    going.run.stop();
  }

  #noteWait({ name }: AgentPlan, why: Reason, at: Moment): void {
    const newest = this.#parts.ledger.newestOf(name);
    if (newest?.kind === 'wait' && newest.code === why.code) return;
    this.#write({ kind: 'wait', plan: name, at, ...why });
    this.#parts.onEvent({ type: 'waiting', plan: name, why });
  }

  #noteClear({ name }: AgentPlan, at: Moment): void {
    if (this.#parts.ledger.newestOf(name)?.kind !== 'wait') return;
    this.#write({ kind: 'clear', plan: name, at });
    this.#parts.onEvent({ type: 'clear', plan: name });
  }

  /** When nobody looked for long: the reason why what was due in between did not run. */
  #noteAway(cause: 'asleep' | 'no-agent'): void {
    const at = this.#parts.clock.now();
    const from = this.#lookedAt ?? at;
    this.#lookedAt = at;
    const gap = elapsed(from, at);
    if (gap !== undefined && gap < AWAY_AFTER) return;
    this.#write({ kind: 'away', at, from, cause });
    this.#parts.onEvent({ type: 'away', cause, from: from.wall, to: at.wall });
  }

  #keepAlive(): void {
    const now = this.#parts.clock.now();
    const since = this.#aliveAt === undefined ? undefined : elapsed(this.#aliveAt, now);
    if (since !== undefined && since < AWAY_AFTER / 2 && !this.#isStopped) return;
    this.#aliveAt = now;
    this.#tried('note that the agent runs', () => this.#parts.files.keepAlive(now));
  }

  /** A run that the ledger knows no end of went down with the agent before this one. */
  #settleLostRuns(): void {
    const { ledger, clock } = this.#parts;
    const open = new Map<string, LedgerEntry & { kind: 'run' }>();
    for (const entry of ledger.entries) {
      if (entry.kind === 'run') open.set(entry.plan, entry);
      else if (entry.kind === 'end') open.delete(entry.plan);
    }
    for (const { plan, mark, at: began, pid } of open.values()) {
      const now = clock.now();
      const known = this.#runs().get(plan)?.at(-1);
      if (known?.pid !== pid)
        this.#addRun(plan, {
          mark,
          began,
          ended: now,
          outcome: 'stopped',
          pid,
          code: 'no-agent',
          message: 'the agent ended',
        });
      this.#write({ kind: 'end', plan, at: now, outcome: known?.pid === pid ? known.outcome : 'stopped' });
    }
  }

  #addRun(plan: string, record: RunRecord): void {
    const isWritten = this.#tried('write the book of runs', () => {
      this.#parts.files.addRun(plan, record);
      return true;
    });
    if (isWritten !== true) this.#unwritten = withRun(this.#unwritten, plan, record);
  }

  #write(entry: LedgerEntry): void {
    this.#tried('write the ledger', () => this.#parts.ledger.append(entry));
  }

  /** Told once, until it works again. */
  #tried<T>(what: string, act: () => T): T | undefined {
    try {
      const result = act();
      this.#troubles.delete(what);
      return result;
    } catch (error) {
      if (!this.#troubles.has(what))
        this.#parts.onEvent({ type: 'trouble', message: `${what}: ${(error as Error).message}` });
      this.#troubles.add(what);
      return undefined;
    }
  }
}

/** Milliseconds until the time of day may end a run. */
function untilEdge({ rules }: AgentPlan, { wall }: Moment): number {
  return (nextEdge(rules.between, new Date(wall))?.getTime() ?? Number.POSITIVE_INFINITY) - wall;
}

function isSame(a: RunRecord, b: RunRecord | undefined): boolean {
  return b !== undefined && a.ended.wall === b.ended.wall && a.ended.uptime === b.ended.uptime;
}
