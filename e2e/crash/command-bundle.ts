/**
 * The command as it is shipped, bundled once for this process: what is built meanwhile is not run by halves. Only
 * stretching passwords is made cheap.
 */
import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { rolldown } from 'rolldown';

const workspace = join(import.meta.dirname, '..', '..');
const app = join(workspace, 'apps/keephold');
const folder = join(app, '.cache', `crash-${process.pid}`);

let isBundled = false;

/** The arguments of the verb follow. */
export function nodeCommand(): readonly string[] {
  bundle();
  return [process.execPath, ...flags(), join(folder, 'dist/keephold.js')];
}

/** A process that answers one `CommandRequest` after the other: looking again and again costs no start. */
export async function startLooking(): Promise<ChildProcess> {
  bundle();
  const entry = join(folder, 'dist/looking.js');
  looking ??= bundleLooking(entry);
  await looking;
  return fork(entry, [], { execArgv: [...flags()], env: {}, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
}

let looking: Promise<void> | undefined;

function flags(): readonly string[] {
  return ['--disable-warning=ExperimentalWarning', `--import=${join(folder, 'cheap-argon2.mjs')}`];
}

function bundle(): void {
  if (isBundled) return;
  isBundled = true;
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  execFileSync(process.execPath, [join(workspace, 'tools/build.ts'), join(folder, 'dist')], { stdio: 'pipe' });
  // It reads its version there.
  copyFileSync(join(app, 'package.json'), join(folder, 'package.json'));
  // As JavaScript: stripping types takes longer than the command does.
  const source = readFileSync(join(app, 'tests/_cheap-argon2-process.ts'), 'utf8');
  writeFileSync(join(folder, 'cheap-argon2.mjs'), stripTypeScriptTypes(source));
}

/** Beside the bundles of the worker threads, which it starts. */
async function bundleLooking(file: string): Promise<void> {
  await using build = await rolldown({
    input: join(app, 'tests/damage/_command-process.ts'),
    platform: 'node',
    external: [/^node:/, 'koffi'],
    resolve: { conditionNames: ['@keephold/source', 'import', 'node', 'default'] },
  });
  await build.write({ file, format: 'esm', codeSplitting: false });
}
