/**
 * A computer of its own for the real command: a home, a repository and a place to restore to, beneath one folder that
 * can be put into any state. The files that are backed up lie beside it.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Environment, foldersOf } from '../../apps/keephold/src/environment.ts';
import { builtCommand } from '../../apps/keephold/tests/_built-command.ts';
import { clearFolder, DiskImage } from './disk-image.ts';
import type { FileOperation } from './file-operation.ts';
import { type Interpretation, interpretCalls } from './interpret-calls.ts';
import { parseStraceLog, TRACED_CALLS } from './strace-log.ts';

export interface Ended {
  /** Undefined when it was killed. */
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Of the process that looks. */
interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Recording {
  readonly before: DiskImage;
  readonly operations: readonly FileOperation[];
  readonly ended: Ended;
}

export class World implements Disposable {
  /** What a crash is about: everything beneath. */
  readonly folder: string;
  readonly repository: string;
  readonly target: string;
  readonly source: string;
  readonly #base: string;
  #looking: ChildProcess | undefined;

  /** In memory where there is room for it, unless syncing is to take its time. */
  constructor({ on }: { readonly on: 'memory' | 'disk' } = { on: 'memory' }) {
    const parent = on === 'memory' && existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
    this.#base = mkdtempSync(join(parent, 'keephold-crash-'));
    this.folder = join(this.#base, 'world');
    this.repository = join(this.folder, 'repository');
    this.target = join(this.folder, 'restored');
    this.source = join(this.#base, 'source');
    mkdirSync(this.source);
    mkdirSync(join(this.#base, 'compiled'));
    this.setPassword('a password that nobody guesses 1');
    this.put(undefined);
  }

  [Symbol.dispose](): void {
    this.#looking?.kill('SIGKILL');
    rmSync(this.#base, { recursive: true, force: true });
  }

  /** Everything as the image has it; nothing without one. */
  put(image: DiskImage | undefined): void {
    clearFolder(this.folder);
    image?.write(this.folder);
    // Compiled code is the same in every state, and takes a while to be made.
    const cache = join(this.folder, 'home/.cache/keephold');
    mkdirSync(cache, { recursive: true, mode: 0o700 });
    symlinkSync(join(this.#base, 'compiled'), join(cache, 'compiled'));
  }

  read(): DiskImage {
    return DiskImage.read(this.folder, isCompiled);
  }

  /** A file beside the world, for what the command is to read. */
  beside(name: string): string {
    return join(this.#base, name);
  }

  setPassword(password: string): void {
    this.writePassword('password', password);
  }

  writePassword(name: string, password: string): string {
    const path = this.beside(name);
    writeFileSync(path, `${password}\n`, { mode: 0o600 });
    chmodSync(path, 0o600);
    return path;
  }

  start(args: readonly string[], wrapper: readonly string[] = []): ChildProcess {
    const { node, cheapPasswords } = builtCommand();
    const [program = '', ...rest] = [...wrapper, process.execPath, cheapPasswords, ...node, ...args];
    return spawn(program, rest, { cwd: this.#base, env: this.#environment(), stdio: ['ignore', 'pipe', 'pipe'] });
  }

  async run(args: readonly string[], wrapper: readonly string[] = []): Promise<Ended> {
    return await ending(this.start(args, wrapper));
  }

  /** @throws Error when it does not end with 0 */
  async must(args: readonly string[], wrapper: readonly string[] = []): Promise<string> {
    return succeeded(args, await this.run(args, wrapper));
  }

  /** As `run`, in a process that is there already: for looking at what a crash left. */
  async look(args: readonly string[]): Promise<Ended> {
    const looking = (this.#looking ??= startLooking());
    const settled = new AbortController();
    const answered = once(looking, 'message', { signal: settled.signal }) as Promise<[Answer]>;
    const died = once(looking, 'exit', { signal: settled.signal }).then(([code]) => {
      throw new Error(`keephold ${args.join(' ')} crashed the process that ran it: ${code}`);
    });
    looking.send({ args, environment: this.#surroundings() });
    const [{ code, stdout, stderr }] = await Promise.race([answered, died]).finally(() => {
      died.catch(() => {});
      settled.abort();
    });
    return { exitCode: code, stdout, stderr };
  }

  /** @throws Error when it does not end with 0 */
  async mustLook(args: readonly string[]): Promise<string> {
    return succeeded(args, await this.look(args));
  }

  /** Runs the command and writes down what it does to the world. */
  async record(args: readonly string[]): Promise<Recording> {
    const before = this.read();
    const log = this.beside('strace.log');
    const strace = ['strace', '-f', '--seccomp-bpf', '-xx', '-s', '1000000000', '-o', log];
    const ended = await this.run(args, [...strace, '-e', `trace=${TRACED_CALLS.join(',')}`]);
    const options = { folder: this.folder, isLeftOut: isCompiled, before, workingFolder: this.#base };
    const operations = interpretLog(log, options);
    rmSync(log);
    return { before, operations, ended };
  }

  #surroundings(): Environment {
    const home = join(this.folder, 'home');
    return {
      folders: foldersOf({}, process.platform, home),
      home,
      hostname: 'looking',
      userName: undefined,
      repository: this.repository,
      passwordFile: this.beside('password'),
      password: undefined,
      hasSessionBus: false,
      searchPath: process.env['PATH'] ?? '',
      canRedraw: false,
      isObserved: false,
      command: 'keephold',
    };
  }

  #environment(): Record<string, string> {
    return {
      PATH: process.env['PATH'] ?? '',
      HOME: join(this.folder, 'home'),
      KEEPHOLD_REPO: this.repository,
      KEEPHOLD_PASSWORD_FILE: this.beside('password'),
      LC_ALL: 'C.UTF-8',
      TZ: 'UTC',
      // What goes through a ring is no system call.
      UV_USE_IO_URING: '0',
    };
  }
}

/** A process that answers one request after the other: looking again and again costs no start. */
function startLooking(): ChildProcess {
  const { commandProcess, cheapPasswords } = builtCommand();
  const execArgv = ['--disable-warning=ExperimentalWarning', cheapPasswords];
  return fork(commandProcess, [], { execArgv, env: {}, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
}

function succeeded(args: readonly string[], { exitCode, stdout, stderr }: Ended): string {
  if (exitCode === 0) return stdout;
  throw new Error(`keephold ${args.join(' ')} ended with ${exitCode}:\n${stdout.slice(-1000)}\n${stderr.slice(-2000)}`);
}

/** What cannot be read is kept, and named in the error. */
function interpretLog(log: string, options: Interpretation): readonly FileOperation[] {
  try {
    return interpretCalls(parseStraceLog(readFileSync(log, 'latin1')), options);
  } catch (cause) {
    const kept = join(tmpdir(), `keephold-strace-${process.pid}.log`);
    copyFileSync(log, kept);
    throw new Error(`${cause instanceof Error ? cause.message : String(cause)}; the log is ${kept}`, { cause });
  }
}

export async function ending(child: ChildProcess): Promise<Ended> {
  const printed = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (printed.stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (printed.stderr += text));
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  child.on('error', reject).on('close', (code) => resolve(code ?? undefined));
  return { exitCode: await promise, ...printed };
}

function isCompiled(path: string): boolean {
  return /\/home\/\.cache\/keephold\/compiled(\/|$)/.test(path);
}
