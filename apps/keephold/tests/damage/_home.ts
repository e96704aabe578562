/** A user's home with the real command in it: arguments in, exit code and output out. */
import { type ChildProcess, fork } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Environment } from '../../src/environment.ts';
import '../_cheap-argon2-process.ts';
import { builtCommand } from '../_built-command.ts';
import type { CommandAnswer, CommandRequest, Disguise } from './_run-command.ts';

export const PASSWORD = 'bench horse battery staple';

const COMMANDS_PER_PROCESS = 60;

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The lines of --json. */
  readonly records: readonly Readonly<Record<string, unknown>>[];
}

export interface RunOptions {
  /** Another secret than the password: the words, or null for none. */
  readonly secret?: string | null;
  /** Lets it see the keeper otherwise than it is; then it runs in this process. */
  readonly disguise?: Disguise;
}

export class Home implements Disposable {
  readonly folder: string;
  #process: ChildProcess | undefined;
  #commands = 0;
  #isBusy = false;

  /** Its own, or that of another home. */
  repository: string;

  constructor(folder: string = mkdtempSync(join(tmpdir(), 'keephold-damage-'))) {
    this.folder = folder;
    this.repository = join(folder, 'repository');
  }

  get data(): string {
    return join(this.folder, 'data');
  }

  async run(args: readonly string[], { secret = PASSWORD, disguise }: RunOptions = {}): Promise<Ran> {
    const request = { args, environment: this.#environment(secret) };
    const answer = await (disguise === undefined ? this.#ask(request) : builtCommand().runCommand(request, disguise));
    return { ...answer, records: args.includes('--json') ? parsed(answer.stdout) : [] };
  }

  /** Threads come and go with every command: a process gets so many and is replaced. */
  async #ask(request: CommandRequest): Promise<CommandAnswer> {
    if (this.#process === undefined || this.#commands++ >= COMMANDS_PER_PROCESS) {
      this.#process?.disconnect();
      const { commandProcess, cheapPasswords } = builtCommand();
      const execArgv = ['--disable-warning=ExperimentalWarning', cheapPasswords];
      this.#process = fork(commandProcess, { execArgv });
      this.#commands = 0;
    }
    const child = this.#process;
    const { promise, resolve, reject } = Promise.withResolvers<CommandAnswer>();
    const ended = (code: number | null, signal: string | null): void =>
      reject(new Error(`${request.args.join(' ')}: the process ended with ${signal ?? code}`));
    child.once('exit', ended).once('message', (answer) => resolve(answer as CommandAnswer));
    child.send(request);
    this.#isBusy = true;
    try {
      return await promise;
    } finally {
      this.#isBusy = false;
      child.off('exit', ended);
    }
  }

  /** Ends a command that a test which failed has left running, so that it does not work on what comes next. */
  async settle(): Promise<void> {
    const child = this.#process;
    if (!this.#isBusy || child === undefined) return;
    this.#process = undefined;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }

  /** As on another machine: neither device keys nor pins nor caches. */
  forgetEverything(): void {
    for (const name of ['state', 'cache', 'config']) rmSync(this.#place(name), { recursive: true, force: true });
  }

  /** Keeps what this machine knows in `folder`, or brings it back from there. */
  copyMachine(from: string, to: string): void {
    for (const name of ['state', 'cache']) {
      rmSync(join(to, name), { recursive: true, force: true });
      if (existsSync(join(from, name))) cpSync(join(from, name), join(to, name), { recursive: true });
    }
  }

  [Symbol.dispose](): void {
    this.#process?.disconnect();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #place(name: string): string {
    return join(this.folder, name);
  }

  #environment(secret: string | null): Environment {
    const [config, state, cache, data] = ['config', 'state', 'cache', 'share'].map((name) => this.#place(name));
    return {
      folders: { config: config!, state: state!, cache: cache!, data: data! },
      home: this.folder,
      hostname: 'tester',
      userName: 'tester',
      repository: this.repository,
      passwordFile: undefined,
      password: secret ?? undefined,
      hasSessionBus: false,
      searchPath: '',
      canRedraw: false,
      isObserved: false,
      command: 'keephold',
    };
  }
}

function parsed(text: string): Readonly<Record<string, unknown>>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
