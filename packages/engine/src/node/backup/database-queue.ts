/**
 * Databases that wait to be copied, are being copied, or are copied and not read yet. Answers are handed over only when
 * the run asks for them: they lead to more reading, for which there is no place while a checkpoint is made.
 */
import type { DatabaseCopies, DatabaseCopy } from '../../source.ts';

/** Copies on disk at a time: one is made while the other is read. */
const MAX_COPIES = 2;

export interface DatabaseToCopy {
  readonly path: Uint8Array;
  readonly row: Uint32Array;
  /** Called once; undefined: the run ended before. */
  readonly onAnswer: (copy: DatabaseCopy | undefined) => void;
}

export class DatabaseQueue implements AsyncDisposable {
  readonly #open: () => DatabaseCopies;
  #copies: DatabaseCopies | undefined;
  #waiting: DatabaseToCopy[] = [];
  #isCopying = false;
  #copiesOnDisk = 0;
  readonly #answered: (() => void)[] = [];
  #listeners: (() => void)[] = [];
  #isGivenUp = false;

  /** `open` is called for the first database. */
  constructor(open: () => DatabaseCopies) {
    this.#open = open;
  }

  add(database: DatabaseToCopy): void {
    this.#waiting.push(database);
  }

  /** Whether a database waits or is being copied; one that is being read does not count. */
  get hasWork(): boolean {
    return this.#waiting.length > 0 || this.#isCopying || this.#answered.length > 0;
  }

  /** Hands over answers and starts what may start. */
  pump(): void {
    for (const answer of this.#answered.splice(0)) answer();
    if (!this.#isCopying && this.#copiesOnDisk < MAX_COPIES) this.#next();
  }

  /** Resolves when a copy that is being made is there, at once when none is. */
  async change(): Promise<void> {
    if (!this.#isCopying) return;
    await new Promise<void>((resolve) => this.#listeners.push(resolve));
  }

  giveUp(): void {
    this.#isGivenUp = true;
    this.pump();
    for (const { onAnswer } of this.#waiting.splice(0)) onAnswer(undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.giveUp();
    await this.#copies?.[Symbol.asyncDispose]();
  }

  #next(): void {
    const database = this.#waiting.shift();
    if (database === undefined) return;
    this.#isCopying = true;
    void this.#copy(database);
  }

  async #copy({ path, row, onAnswer }: DatabaseToCopy): Promise<void> {
    this.#copies ??= this.#open();
    const copy = this.#counted(await this.#copies.copy(path, row).catch(notCopied));
    this.#isCopying = false;
    if (this.#isGivenUp && copy.kind === 'copied') copy.remove();
    this.#answered.push(() => onAnswer(this.#isGivenUp ? undefined : copy));
    for (const wake of this.#listeners.splice(0)) wake();
    if (this.#isGivenUp) this.pump();
  }

  #counted(copy: DatabaseCopy): DatabaseCopy {
    if (copy.kind !== 'copied') return copy;
    this.#copiesOnDisk++;
    const remove = (): void => {
      this.#copiesOnDisk--;
      copy.remove();
    };
    return { ...copy, remove };
  }
}

/** A copy never fails a backup. */
function notCopied(cause: unknown): DatabaseCopy {
  return { kind: 'not-copied', reason: (cause as Error).message };
}
