/** The agent as people run it: processes of the real command, one home for all, each test going on from the one before. */
import { type ChildProcess, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { watchCalls } from '@keephold/ffi';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { commandsIn } from '../server/_commands.ts';

type Fields = Readonly<Record<string, unknown>>;

const place = mkdtempSync(join(tmpdir(), 'keephold-agent-'));
const home = join(place, 'home');
const repository = join(place, 'repository');
const cheap = { NODE_OPTIONS: `--import=${join(import.meta.dirname, '../_cheap-argon2-process.ts')}` };
const owner = commandsIn(home, undefined, cheap);
/** Without the password: what an agent has. */
const keephold = commandsIn(home, '', cheap);
const agents: ChildProcess[] = [];

beforeAll(async () => {
  mkdirSync(join(home, 'documents'), { recursive: true });
  writeFileSync(join(home, 'documents', 'letter'), 'dear reader');
  await owner.run('init', '--repo', repository);
  const plan = ['home', join(home, 'documents'), '--repo', repository, '--goal', '4s', '--no-conditions'];
  await keephold.run('plan', 'add', ...plan);
});

// One that a failed test leaves would be "another one" to the next.
afterEach(() => {
  for (const agent of agents.splice(0)) agent.kill('SIGKILL');
});
afterAll(() => {
  rmSync(place, { recursive: true, force: true });
});

/** Reads what it tells, from one event to the next. */
class AgentProcess {
  readonly child: ChildProcess;
  readonly #events: AsyncIterator<string>;

  constructor() {
    this.child = keephold.start('agent', '--json');
    agents.push(this.child);
    this.#events = createInterface({ input: this.child.stdout! })[Symbol.asyncIterator]();
  }

  /** The next event of this type, for this reason where one is given; what comes before is passed over. */
  async event(type: string, reason?: string): Promise<Fields> {
    for (;;) {
      const { value, done } = await this.#events.next();
      if (done === true) throw new Error(`the agent ended without telling of ${type}`);
      const event = JSON.parse(value as string) as Fields;
      const why = event['why'] as Fields | undefined;
      if (event['type'] === type && (reason === undefined || why?.['code'] === reason)) return event;
    }
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    const ended = once(this.child, 'exit') as Promise<[number | null]>;
    this.child.kill(signal);
    return (await ended)[0];
  }
}

async function status(): Promise<Fields> {
  return JSON.parse(await keephold.run('status', '--json')) as Fields;
}

function isRunning(pid: number): boolean {
  return (
    spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })
      .stdout.trim()
      .replace(/^Z.*/, '') !== ''
  );
}

test('status is right before an agent has ever run', async () => {
  expect(await status()).toMatchObject({ plan: 'home', state: 'waiting', why: { code: 'no-agent' }, hasAgent: false });
});

test('a run whose agent is killed ends by itself, and the next agent goes on', async () => {
  const first = new AgentProcess();
  const { pid } = await first.event('run-began');
  process.kill(pid as number, 'SIGSTOP');
  await first.end('SIGKILL');
  process.kill(pid as number, 'SIGCONT');
  while (isRunning(pid as number));
  expect(await status()).toMatchObject({ hasAgent: false, lastRun: { outcome: 'stopped' } });

  const second = new AgentProcess();
  expect(await second.event('run-ended')).toMatchObject({ plan: 'home', run: { outcome: 'complete', files: 1 } });
  expect(await status()).toMatchObject({ hasAgent: true, lastGood: { outcome: 'complete' } });
  expect(await keephold.run('status')).toMatch(/^home: backed up .* s ago; /);
  await expect(keephold.run('agent')).rejects.toThrow('another one');
  expect(await second.end('SIGTERM')).toBe(0);
});

test.skipIf(watchCalls() === undefined)('runs after the first are told what changed', async () => {
  const agent = new AgentProcess();
  // The agent watches from before its first run on.
  await agent.event('run-ended');
  writeFileSync(join(home, 'documents', 'second'), 'dear reader');
  const { run } = await agent.event('run-ended');
  expect(run).toMatchObject({ outcome: 'complete', files: 2, listed: expect.any(Number) as number });
  expect(await agent.end('SIGTERM')).toBe(0);
});

test('a pause holds until it is taken back, and is told; then what is due runs at once', async () => {
  const agent = new AgentProcess();
  await agent.event('agent');
  await keephold.run('agent', 'pause', '--plan', 'home');
  // What it waited for before, a run that was stopped say, comes first.
  expect(await agent.event('waiting', 'paused')).toMatchObject({ plan: 'home' });
  expect(await keephold.run('status')).toContain('does not run now: paused');
  await keephold.run('agent', 'resume');
  expect(await agent.event('run-ended')).toMatchObject({ run: { outcome: 'complete' } });
  expect(await agent.end('SIGINT')).toBe(0);
  expect(await keephold.run('status', '--history')).toMatch(/did not run: paused[\s\S]*backup ended: done/);
});

test('a backup by hand counts', async () => {
  await keephold.run('plan', 'edit', 'home', '--goal', '4h');
  await keephold.run('backup', '--plan', 'home');
  expect(await status()).toMatchObject({ state: 'idle', isOverdue: false, hasAgent: false });
});

test('whoever watches sees what the agent does, to its end', async () => {
  const agent = new AgentProcess();
  await agent.event('agent');
  const watch = keephold.start('status', '--watch', '--json');
  const lines = createInterface({ input: watch.stdout! })[Symbol.asyncIterator]();
  for (const type of ['plan', 'run-began', 'run-ended']) {
    let told: Fields;
    do told = JSON.parse((await lines.next()).value as string) as Fields;
    while (told['type'] !== type);
    expect(told).toMatchObject({ plan: 'home' });
    // The agent hears of it at once.
    if (type === 'plan') await keephold.run('plan', 'edit', 'home', '--goal', '1s');
  }
  const ended = once(watch, 'exit');
  await agent.end('SIGTERM');
  expect(await ended).toEqual([1, null]);
});
