/** How many kills there were, how far the runs had come, and what it cost to go on. */

/** After the commit: what the run is for can no longer be taken back (`Scenario.isDone`). */
export type Phase = 'before the first change' | 'in between' | 'after the commit' | 'after its end';

const PHASES: readonly Phase[] = ['before the first change', 'in between', 'after the commit', 'after its end'];

interface Stored {
  /** Bytes that one run stores when nobody disturbs it. */
  readonly undisturbed: number;
  /** Bytes that lay in the repository when it was killed. */
  readonly before: number;
  /** Bytes that the next run stored. */
  readonly again: number;
}

export class KillTally {
  readonly #phases = new Map<Phase, number>();
  readonly #stored: Stored[] = [];

  /** Without those that were done by themselves. */
  get killed(): number {
    return PHASES.slice(0, 3).reduce((sum, phase) => sum + (this.#phases.get(phase) ?? 0), 0);
  }

  add(phase: Phase): void {
    this.#phases.set(phase, (this.#phases.get(phase) ?? 0) + 1);
  }

  compare(stored: Stored): void {
    this.#stored.push(stored);
  }

  describe(): string {
    const phases = PHASES.map((phase) => `${this.#phases.get(phase) ?? 0} ${phase}`).join(', ');
    return [`${this.killed} kills: ${phases}`, ...this.#costs()].join('; ');
  }

  #costs(): readonly string[] {
    if (this.#stored.length === 0) return [];
    const sum = (value: (stored: Stored) => number): number => this.#stored.reduce((all, one) => all + value(one), 0);
    const twice = this.#stored.map(({ undisturbed, before, again }) => Math.max(0, before + again - undisturbed));
    return [
      `undisturbed ${sum(({ undisturbed }) => undisturbed)} bytes, stored before the kill ${sum(({ before }) => before)}`,
      `by the next run ${sum(({ again }) => again)}`,
      `twice ${twice.reduce((all, one) => all + one, 0)}, at most ${Math.max(...twice)} after one kill`,
    ];
  }
}
