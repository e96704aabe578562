/**
 * Runs a command-line script: the real program in an empty home, line by line. A script is text anyone can read:
 *
 * ```
 * # a comment
 * needs script                   skip where this program is missing
 * passwords cheap                stretching them costs next to nothing: for scripts about something else
 * env NAME=value                 from here on
 * $ keephold init                a shell line that must end with 0
 * $12 keephold snapshots         … that must end with 12
 * stdout /regex/                 what the last line printed; ^ and $ match at lines
 * !stderr /regex/
 * stdout nothing
 * -- folder/name --              files that are there from the beginning; their text follows
 * ```
 *
 * It must never see the caller's own home, keys or repository.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { builtCommand } from '../../apps/keephold/tests/_built-command.ts';

export interface Script {
  readonly steps: readonly Step[];
  readonly files: ReadonlyMap<string, string>;
  /** Programs without which it cannot run. */
  readonly needs: readonly string[];
  readonly hasCheapPasswords: boolean;
}

export type Step = { readonly line: number } & (
  | { readonly kind: 'env'; readonly name: string; readonly value: string }
  | { readonly kind: 'run'; readonly command: string; readonly exitCode: number }
  | {
      readonly kind: 'expect';
      readonly stream: 'stdout' | 'stderr';
      readonly pattern: RegExp;
      readonly wanted: boolean;
    }
);

export function parseScript(text: string): Script {
  const [head = '', ...blocks] = text.split(/^-- (.+) --\n/m);
  const files = new Map<string, string>();
  for (let at = 0; at + 1 < blocks.length; at += 2) files.set(blocks[at] ?? '', blocks[at + 1] ?? '');
  const lines = head.split('\n').map((content, at) => ({ content: content.trim(), line: at + 1 }));
  const told = lines.filter(({ content }) => content !== '' && !content.startsWith('#'));
  const isNeed = ({ content }: Line): boolean => content.startsWith('needs ');
  const isCheap = ({ content }: Line): boolean => content === 'passwords cheap';
  return {
    steps: told.filter((line) => !isNeed(line) && !isCheap(line)).map(parseStep),
    files,
    needs: told.filter(isNeed).flatMap(({ content }) => content.split(/\s+/).slice(1)),
    hasCheapPasswords: told.some(isCheap),
  };
}

interface Line {
  readonly content: string;
  readonly line: number;
}

function parseStep({ content, line }: Line): Step {
  const run = /^\$(?<code>\d*) (?<command>.+)$/.exec(content)?.groups;
  if (run !== undefined)
    return { line, kind: 'run', command: run['command'] ?? '', exitCode: Number(run['code'] || 0) };
  const env = /^env (?<name>\w+)=(?<value>.*)$/.exec(content)?.groups;
  if (env !== undefined) return { line, kind: 'env', name: env['name'] ?? '', value: env['value'] ?? '' };
  const expect = /^(?<not>!?)(?<stream>stdout|stderr) (?:\/(?<pattern>.+)\/|(?<nothing>nothing))$/.exec(
    content,
  )?.groups;
  if (expect === undefined) throw new SyntaxError(`line ${line}: cannot read "${content}"`);
  const stream = expect['stream'] === 'stdout' ? 'stdout' : 'stderr';
  // Nothing: no character at all.
  if (expect['nothing'] !== undefined)
    return { line, kind: 'expect', stream, pattern: /[^]/, wanted: expect['not'] === '!' };
  return {
    line,
    kind: 'expect',
    stream,
    pattern: new RegExp(expect['pattern'] ?? '', 'mu'),
    wanted: expect['not'] === '',
  };
}

export function missingPrograms({ needs }: Script): string[] {
  return needs.filter((program) => spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0);
}

/** Runs the script in a folder of its own. Throws an error that names the line and shows what was printed. */
export async function runScript(script: Script): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'keephold-cli-'));
  try {
    prepare(work, script);
    const environment = surroundings(work, script);
    let last: Printed | undefined;
    for (const step of script.steps) {
      if (step.kind === 'env') environment[step.name] = step.value.replaceAll('$WORK', work);
      else if (step.kind === 'run') last = await runLine(step, work, environment);
      else judge(step, last);
    }
  } finally {
    // Scripts may take away their own permissions.
    spawnSync('chmod', ['-R', 'u+rwX', work]);
    rmSync(work, { recursive: true, force: true });
  }
}

function prepare(work: string, { files }: Script): void {
  mkdirSync(join(work, 'home'));
  mkdirSync(join(work, 'bin'));
  symlinkSync(builtCommand().program, join(work, 'bin', 'keephold'));
  symlinkSync(process.execPath, join(work, 'bin', 'node'));
  for (const [name, content] of files) {
    mkdirSync(dirname(join(work, name)), { recursive: true });
    writeFileSync(join(work, name), content);
  }
}

function surroundings(work: string, { hasCheapPasswords }: Script): Record<string, string> {
  const path = [join(work, 'bin'), process.env['PATH'] ?? ''].join(delimiter);
  return {
    PATH: path,
    HOME: join(work, 'home'),
    WORK: work,
    KEEPHOLD_REPO: join(work, 'repo'),
    LC_ALL: 'C.UTF-8',
    TZ: 'UTC',
    ...(hasCheapPasswords && { NODE_OPTIONS: builtCommand().cheapPasswords }),
  };
}

interface Printed {
  readonly command: string;
  readonly stdout: string;
  readonly stderr: string;
}

async function runLine(
  step: Extract<Step, { kind: 'run' }>,
  work: string,
  env: Record<string, string>,
): Promise<Printed> {
  const child = spawn('sh', ['-c', step.command], { cwd: work, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const printed = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (printed.stderr += text));
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  child.on('error', reject).on('close', (code, signal) => resolve(signal ?? String(code)));
  const ended = await promise;
  const result = { command: step.command, ...printed };
  if (ended !== String(step.exitCode)) throw failure(step, `ended with ${ended}, not ${step.exitCode}`, result);
  return result;
}

function judge(step: Extract<Step, { kind: 'expect' }>, last: Printed | undefined): void {
  if (last === undefined) throw new SyntaxError(`line ${step.line}: nothing has run yet`);
  if (step.pattern.test(last[step.stream]) === step.wanted) return;
  throw failure(step, `${step.stream} ${step.wanted ? 'does not match' : 'matches'} ${step.pattern}`, last);
}

function failure({ line }: Step, what: string, { command, stdout, stderr }: Printed): Error {
  return new Error(`line ${line}: ${what}\n$ ${command}\n--- stdout\n${stdout}--- stderr\n${stderr}`);
}
