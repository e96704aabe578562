/**
 * The conditions of a Linux machine: D-Bus services where they answer, the files of the kernel where they do not. What
 * services tell is asked again when they signal a change; what only files tell is polled.
 */
import { EventEmitter } from 'node:events';
import type { Conditions } from '../conditions.ts';
import type { Readings } from '../readings.ts';
import { RefreshLoop } from './refresh-loop.ts';
import { readSubject, type Subject, subjects, subjectsAt, wantedSignals } from './subjects.ts';
import { openSystemBus, type SystemBus } from './system-bus.ts';
import { type SystemFiles, systemFiles } from './system-files.ts';
import { holdAwake } from './wake-lock.ts';

export interface LinuxOptions {
  /** Of the system bus. */
  readonly busAddress: string;
  /** Whose sessions count. */
  readonly userId: number;
  readonly cores: number;
  /** The root of /sys and /proc. */
  readonly root: string;
}

// Milliseconds. While a run goes, what only files tell must stop it within a second too.
const pollAtRest = 30_000;
const pollAwake = 1000;

/** Resolves when everything was asked once: after milliseconds, or some seconds where services hang. */
export async function openLinuxConditions(options: LinuxOptions): Promise<Conditions> {
  const conditions = new LinuxConditions(options);
  await conditions.open();
  return conditions;
}

class LinuxConditions implements Conditions {
  readonly #options: LinuxOptions;
  readonly #files: SystemFiles;
  readonly #changes = new EventEmitter().setMaxListeners(0);
  readonly #loop = new RefreshLoop<Subject>((stale) => this.#refresh(stale));
  readonly #polled = new Set<Subject>();
  #bus: SystemBus | undefined;
  #readings: Readings = {};
  #locks = 0;
  #poll: NodeJS.Timeout | undefined;

  constructor(options: LinuxOptions) {
    this.#options = options;
    this.#files = systemFiles(options.root);
  }

  async open(): Promise<void> {
    this.#bus = await openSystemBus({
      address: this.#options.busAddress,
      matches: wantedSignals,
      onChange: (path) => this.#loop.markStale(path === undefined ? subjects : subjectsAt(path)),
    });
    await this.#refresh(new Set(subjects));
    this.#pollEvery(pollAtRest);
  }

  current(): Readings {
    return this.#readings;
  }

  onChange(listener: () => void): Disposable {
    const own = (): void => listener();
    this.#changes.on('change', own);
    return { [Symbol.dispose]: () => void this.#changes.off('change', own) };
  }

  async stayAwake(why: string): Promise<AsyncDisposable> {
    this.#countLock(1);
    const lock = await holdAwake({ why, busAddress: this.#options.busAddress });
    let isHeld = true;
    return {
      [Symbol.asyncDispose]: async () => {
        if (isHeld) this.#countLock(-1);
        isHeld = false;
        await lock[Symbol.asyncDispose]();
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#poll);
    this.#changes.removeAllListeners();
    await this.#loop[Symbol.asyncDispose]();
    this.#bus?.[Symbol.dispose]();
  }

  #countLock(more: 1 | -1): void {
    this.#locks += more;
    this.#pollEvery(this.#locks > 0 ? pollAwake : pollAtRest);
  }

  #pollEvery(milliseconds: number): void {
    clearInterval(this.#poll);
    this.#poll = setInterval(() => this.#loop.markStale(this.#polled), milliseconds).unref();
  }

  async #refresh(stale: ReadonlySet<Subject>): Promise<void> {
    const { userId, cores } = this.#options;
    const places = { bus: this.#bus, files: this.#files, userId, cores };
    const answers = await Promise.all([...stale].map((subject) => readSubject(subject, places)));
    const before = this.#readings;
    this.#readings = withAnswers(before, answers);
    for (const { subject, isSignalled } of answers)
      if (isSignalled) this.#polled.delete(subject);
      else this.#polled.add(subject);
    if (JSON.stringify(this.#readings) !== JSON.stringify(before)) this.#changes.emit('change');
  }
}

/** What was answered takes the place of what was, also where the machine does not tell any more. */
function withAnswers(
  before: Readings,
  answers: readonly { readonly readings: Partial<Record<keyof Readings, unknown>> }[],
): Readings {
  const all = Object.assign({}, before, ...answers.map(({ readings }) => readings)) as Record<string, unknown>;
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}
