import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { PlanState } from '../agent-events.ts';
import { lockSingleAgent } from '../single-agent.ts';
import { askAgent, watchAgent } from './control-client.ts';
import { ControlServer } from './control-server.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keephold-control-'));
  path = join(folder, 'own', 'agent.sock');
});
afterEach(() => rmSync(folder, { recursive: true }));

const state: PlanState = { plan: 'home', state: 'idle', isOverdue: false, goalMs: 1, nextAt: 5 };
const isWindows = process.platform === 'win32';

function listening(looks: string[] = []): Promise<ControlServer> {
  return ControlServer.listen(path, {
    look: () => void looks.push('look'),
    renew: () => void looks.push('renew'),
    states: () => [state],
  });
}

test('it answers, looks when it is told to, and is gone with its agent', async () => {
  const looks: string[] = [];
  expect(await askAgent(path, 'status')).toBeUndefined();
  const server = await listening(looks);
  expect(await askAgent(path, 'status')).toEqual([state]);
  expect(looks).toEqual([]);
  await askAgent(path, 'look');
  expect(looks).toEqual(['look']);
  await server[Symbol.asyncDispose]();
  expect(await askAgent(path, 'status')).toBeUndefined();
});

test('whoever watches hears every event, until the agent ends', async () => {
  const server = await listening();
  const heard: string[] = [];
  for await (const answer of watchAgent(path, new AbortController().signal)) {
    heard.push(answer.type);
    if (answer.type === 'status') server.tell({ type: 'clear', plan: 'home' });
    else void server[Symbol.asyncDispose]();
  }
  expect(heard).toEqual(['status', 'clear']);
});

test('what is no request is answered as such, one without end is cut off, and others are served meanwhile', async () => {
  await using server = await listening();
  expect(server).toBeDefined();
  const answers = await new Promise<string>((resolve) => {
    const socket = connect(path);
    let text = '';
    socket.on('data', (bytes) => {
      text += bytes.toString();
      if (text.endsWith('\n') && text.split('\n').length === 5) socket.write('x'.repeat(100_000));
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(text));
    socket.write('no json\nnull\n{"do":"format the disk"}\n{"do":{}}\n');
  });
  expect(
    answers
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
  ).toEqual(Array.from({ length: 4 }, () => ({ type: 'error', code: 'unknown-request' })));
  expect(await askAgent(path, 'status')).toEqual([state]);
});

test.skipIf(isWindows)('nobody else gets in, and where others could, neither side goes', async () => {
  const server = await listening();
  expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
  chmodSync(dirname(path), 0o755);
  await expect(askAgent(path, 'status')).rejects.toMatchObject({ code: 'not-private' });
  await server[Symbol.asyncDispose]();
  await expect(listening()).rejects.toMatchObject({ code: 'not-private' });
});

test.skipIf(isWindows)('the socket of an agent that was killed is in nobody’s way', async () => {
  mkdirSync(dirname(path), { mode: 0o700 });
  writeFileSync(path, '');
  expect(await askAgent(path, 'status')).toBeUndefined();
  await using server = await listening();
  expect(server).toBeDefined();
  expect(await askAgent(path, 'status')).toEqual([state]);
});

test('there is one agent at a time', async () => {
  const lock = join(folder, 'lock');
  const first = await lockSingleAgent(lock, async () => false);
  await expect(lockSingleAgent(lock, async () => true)).rejects.toMatchObject({ code: 'agent-runs' });
  first[Symbol.dispose]();
  using second = await lockSingleAgent(lock, async () => false);
  expect(second).toBeDefined();
});
