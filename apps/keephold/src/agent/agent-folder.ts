/**
 * What the agent and the runs of plans keep on this device, in the folder `agent` of its state. All of it is evidence and
 * wishes, no key: without it every plan is backed up once more than needed, and pauses are forgotten.
 *
 *     runs.N         the book of runs; whoever runs a plan writes into it
 *     pauses.N       what people paused
 *     ledger.jsonl   why due runs did not happen; the agent alone writes it
 *     alive          when the agent was last known to run
 *     lock           held by the one agent
 *     log, log.N     what the agent said
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  AgentError,
  asMoment,
  formatPauses,
  formatRunBook,
  type Moment,
  type Pause,
  parsePauses,
  parseRunBook,
  RotatingLog,
  type RunBook,
  type RunRecord,
  withRun,
} from '@keephold/agent';
import { makePrivateFolder } from '../access/private-file.ts';
import { changeVersionedFile, readVersionedFile, type VersionedFile } from '../access/versioned-file.ts';
import type { Environment } from '../environment.ts';

export class AgentFolder {
  readonly path: string;
  readonly #environment: Pick<Environment, 'folders' | 'runtimeFolder'>;

  constructor(environment: Pick<Environment, 'folders' | 'runtimeFolder'>) {
    this.#environment = environment;
    this.path = join(environment.folders.state, 'agent');
  }

  get ledger(): string {
    return join(this.path, 'ledger.jsonl');
  }

  get log(): RotatingLog {
    return new RotatingLog(join(this.path, 'log'));
  }

  get lock(): string {
    return join(this.path, 'lock');
  }

  /** Where an agent listens that is started here. */
  get socket(): string {
    return this.sockets[0];
  }

  /** Where one may listen that was started with this environment or another. Among what the system keeps for this user's session, where it does; a path of a socket has to be short. */
  get sockets(): readonly [string, ...string[]] {
    const mark = createHash('sha256').update(this.path).digest('hex').slice(0, 16);
    if (process.platform === 'win32') return [`\\\\.\\pipe\\keephold-${mark}`];
    const { runtimeFolder } = this.#environment;
    const own = join(this.path, 'agent.sock');
    return runtimeFolder === undefined ? [own] : [join(runtimeFolder, 'keephold', `${mark}.sock`), own];
  }

  make(): void {
    makePrivateFolder(this.path);
  }

  /** @throws AgentError `malformed`, `newer` */
  runs(): RunBook {
    const bytes = readVersionedFile(this.#runs);
    return bytes === undefined ? new Map() : parseRunBook(new TextDecoder().decode(bytes));
  }

  /** One that cannot be read begins anew; one of a later version stays as it is. @throws AgentError `newer` */
  addRun(plan: string, record: RunRecord): void {
    changeVersionedFile(this.#runs, (bytes) => {
      const book = bytes === undefined ? new Map() : readable(() => parseRunBook(new TextDecoder().decode(bytes)));
      return new TextEncoder().encode(formatRunBook(withRun(book ?? new Map(), plan, record)));
    });
  }

  /** @throws AgentError `malformed`, `newer` */
  pauses(): readonly Pause[] {
    const bytes = readVersionedFile(this.#pauses);
    return bytes === undefined ? [] : parsePauses(new TextDecoder().decode(bytes));
  }

  /** @throws AgentError `newer` */
  changePauses(change: (pauses: readonly Pause[]) => readonly Pause[]): void {
    changeVersionedFile(this.#pauses, (bytes) => {
      const pauses = bytes === undefined ? [] : readable(() => parsePauses(new TextDecoder().decode(bytes)));
      return new TextEncoder().encode(formatPauses(change(pauses ?? [])));
    });
  }

  lastAlive(): Moment | undefined {
    try {
      return asMoment(JSON.parse(readFileSync(this.#alive, 'utf8')));
    } catch {
      // Written without waiting for the disk, so a crash may have left anything.
      return undefined;
    }
  }

  keepAlive(now: Moment): void {
    writeFileSync(this.#alive, JSON.stringify(now), { mode: 0o600 });
  }

  get #runs(): VersionedFile {
    return { folder: this.path, name: 'runs' };
  }

  get #pauses(): VersionedFile {
    return { folder: this.path, name: 'pauses' };
  }

  get #alive(): string {
    return join(this.path, 'alive');
  }
}

/** Undefined for what is damaged. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof AgentError && error.code === 'malformed') return undefined;
    throw error;
  }
}
