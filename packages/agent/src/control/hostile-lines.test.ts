/** Both ends of the socket, when the other says anything at all: an answer for each line, or a typed error; never a hang. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AgentError } from '../errors.ts';
import { askAgent } from './control-client.ts';
import { ControlServer } from './control-server.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keephold-lines-'));
  path = join(folder, 'own', 'agent.sock');
  mkdirSync(dirname(path), { mode: 0o700 });
});
afterEach(() => rmSync(folder, { recursive: true }));

const noLines = (text: string): string => text.replaceAll('\n', ' ');
const states = fc.jsonValue().map((plans) => JSON.stringify({ type: 'status', plans }));
const events = fc.jsonValue().map((type) => JSON.stringify({ type }));
const line = fc.oneof(fc.string().map(noLines), fc.json().map(noLines), states, events);

test.skipIf(process.platform === 'win32')(
  'whatever an agent answers, it is states of plans or a typed error',
  async () => {
    let says = '';
    const server = createServer((socket) => socket.on('error', () => {}).end(says));
    await new Promise<void>((resolve) => void server.listen(path, resolve));
    const lines = fc.array(line, { maxLength: 4 }).map((all) => all.map((one) => `${one}\n`).join(''));
    try {
      await fc.assert(
        fc.asyncProperty(fc.oneof(lines, fc.string()), async (answer) => {
          says = answer;
          try {
            for (const { plan, state } of (await askAgent(path, 'status')) ?? []) {
              expect([typeof plan, typeof state]).toEqual(['string', 'string']);
            }
          } catch (error) {
            expect(error).toBeInstanceOf(AgentError);
          }
        }),
        { numRuns: 100, examples: [['{"type":"status"}\n'], ['{"type":"status","plans":[null]}\n'], ['null\n']] },
      );
    } finally {
      server.close();
    }
  },
);

test.skipIf(process.platform === 'win32')('every line that is asked gets one line, whatever it is', async () => {
  await using server = await ControlServer.listen(path, {
    look: () => undefined,
    renew: () => undefined,
    states: () => [],
  });
  expect(server).toBeDefined();
  const asked = fc.oneof(
    line,
    fc.jsonValue().map((what) => JSON.stringify({ do: what })),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(asked, { minLength: 1, maxLength: 5 }), async (lines) => {
      const answers = await exchange(lines);
      expect(answers).toHaveLength(lines.length);
      for (const answer of answers)
        expect(['status', 'error']).toContain((JSON.parse(answer) as { type: string }).type);
    }),
    { numRuns: 100 },
  );
});

async function exchange(lines: readonly string[]): Promise<readonly string[]> {
  const socket = connect(path).setEncoding('utf8');
  let text = '';
  socket.end(lines.map((one) => `${one}\n`).join(''));
  for await (const chunk of socket as AsyncIterable<string>) {
    text += chunk;
    if (text.split('\n').length > lines.length) break;
  }
  return text.split('\n').slice(0, -1);
}
