/**
 * The command as it is shipped, for tests that run it as a process: one file a thread instead of hundreds whose types
 * are stripped at every start. It is built when sources differ from what was built before, and what is built meanwhile
 * from other sources lies elsewhere, so that nobody runs half of one and half of another.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as Workers from '../src/workers.ts';
import type * as RunCommand from './damage/_run-command.ts';

const app = join(import.meta.dirname, '..');
const workspace = join(app, '..', '..');
const store = join(app, '.cache', 'built');

/** What tests need beside it, in the app's folder. */
const COMPANIONS = [
  'src/workers.ts',
  'tests/_cheap-argon2-process.ts',
  'tests/damage/_command-process.ts',
  'tests/damage/_run-command.ts',
];

/** All that decides what is built: sources, manifests, what is installed, and how it is built. */
const INPUTS = [
  '{packages,apps}/*/src/**/*.*',
  '{packages,apps}/*/tests/**/_*.ts',
  '{packages,apps}/*/*.json',
  '{package,package-lock,tsconfig.base}.json',
  'node_modules/.package-lock.json',
  'tools/{build,run}.ts',
  'apps/keephold/bin/keephold',
];

export interface BuiltCommand {
  /** As people call it; it takes the `node` of the search path. */
  readonly program: string;
  /** What Node is given to run it: flags and entry. The arguments of the verb follow. */
  readonly node: readonly string[];
  /** One more flag of Node: stretching passwords is cheap (_cheap-argon2-process.ts). */
  readonly cheapPasswords: string;
  /** A process that answers one `CommandRequest` after the other. */
  readonly commandProcess: string;
  /** Of this process: the threads and processes that the command starts. */
  readonly workers: () => Promise<typeof Workers>;
  /** Of this process: the whole command. What it throws is of its own classes. */
  readonly runCommand: typeof RunCommand.runCommand;
}

let built: BuiltCommand | undefined;

/** Builds it unless it is there. Always the same one within a process. */
export function builtCommand(): BuiltCommand {
  return (built ??= described(builtFolder()));
}

function described(folder: string): BuiltCommand {
  const file = (name: string): string => join(folder, 'dist', name);
  return {
    program: join(folder, 'bin', 'keephold'),
    node: ['--disable-warning=ExperimentalWarning', file('keephold.js')],
    cheapPasswords: `--import=${pathToFileURL(file('cheap-argon2-process.js')).href}`,
    commandProcess: file('command-process.js'),
    workers: async () => (await import(pathToFileURL(file('workers.js')).href)) as typeof Workers,
    runCommand: async (...request) => {
      const built = (await import(pathToFileURL(file('run-command.js')).href)) as typeof RunCommand;
      return await built.runCommand(...request);
    },
  };
}

function builtFolder(): string {
  const folder = join(store, hashOfInputs());
  if (!canUse(folder)) build(folder);
  return folder;
}

function hashOfInputs(): string {
  const hash = createHash('sha256').update(process.version);
  const paths = globSync(INPUTS, { cwd: workspace }).filter((path) => !path.endsWith('.test.ts'));
  for (const path of paths.toSorted()) {
    const content = readFileSync(join(workspace, path));
    hash.update(`${path} ${content.length}\n`).update(content);
  }
  return hash.digest('hex').slice(0, 32);
}

/** Whether it is there. From now on nobody removes it while this process lives. */
function canUse(folder: string): boolean {
  if (!isWhole(folder)) return false;
  mkdirSync(join(folder, 'users'), { recursive: true });
  writeFileSync(join(folder, 'users', String(process.pid)), '');
  return isWhole(folder);
}

function isWhole(folder: string): boolean {
  return existsSync(join(folder, 'dist', 'keephold.js'));
}

/** Under a name of its own first, so that it is there whole or not at all, whoever else builds the same. */
function build(folder: string): void {
  removeUnused();
  const draft = `${folder}.${process.pid}`;
  execFileSync(process.execPath, [join(workspace, 'tools/build.ts'), join(draft, 'dist'), ...COMPANIONS], {
    cwd: app,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  // It reads its version there.
  copyFileSync(join(app, 'package.json'), join(draft, 'package.json'));
  mkdirSync(join(draft, 'bin'));
  copyFileSync(join(app, 'bin/keephold'), join(draft, 'bin/keephold'));
  mkdirSync(join(draft, 'users'));
  writeFileSync(join(draft, 'users', String(process.pid)), '');
  if (!isWhole(folder)) rmSync(folder, { recursive: true, force: true });
  try {
    renameSync(draft, folder);
  } catch (cause) {
    rmSync(draft, { recursive: true, force: true });
    if (!canUse(folder)) throw cause;
  }
}

/** What is of other sources, and no living process runs or builds. */
function removeUnused(): void {
  if (!existsSync(store)) return;
  for (const name of readdirSync(store)) {
    const users = join(store, name, 'users');
    const [, builder] = name.split('.');
    const processes = [...(builder === undefined ? [] : [builder]), ...(existsSync(users) ? readdirSync(users) : [])];
    if (!processes.some((pid) => isAlive(Number(pid)))) rmSync(join(store, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // One of somebody else's.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
