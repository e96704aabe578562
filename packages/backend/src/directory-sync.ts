/**
 * Makes names durable, one fsync for all who ask while another runs: several packs in flight into one directory cost
 * one or two fsyncs, not one each.
 */
import type { Disk } from './disk.ts';
import { errnoOf } from './errors.ts';

interface Turn {
  readonly running: Promise<void>;
  /** Starts when the running one has ended; covers everything asked for meanwhile. */
  next: Promise<void> | undefined;
}

export class DirectorySync {
  readonly #disk: Disk;
  readonly #turns = new Map<string, Turn>();

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** Resolves when every name made in `path` before this call is durable. */
  async sync(path: string): Promise<void> {
    const turn = this.#turns.get(path);
    if (turn === undefined) return await this.#start(path);
    // The fsync that runs may have begun before our name was there.
    turn.next ??= turn.running.then(
      async () => await this.#start(path),
      async () => await this.#start(path),
    );
    await turn.next;
  }

  async #start(path: string): Promise<void> {
    const running = this.#fsync(path);
    const turn: Turn = { running, next: undefined };
    this.#turns.set(path, turn);
    try {
      await running;
    } finally {
      if (turn.next === undefined) this.#turns.delete(path);
    }
  }

  async #fsync(path: string): Promise<void> {
    try {
      await this.#disk.syncDirectory(path);
    } catch (error) {
      // Some file systems (network, FUSE) cannot fsync a directory; their names are as durable as they get.
      if (!['EINVAL', 'ENOTSUP', 'EISDIR'].includes(errnoOf(error) ?? '')) throw error;
    }
  }
}
