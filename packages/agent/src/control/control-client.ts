/** Asks the agent of this user over its socket. */
import { lstatSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { dirname } from 'node:path';
import type { AgentEvent, PlanState } from '../agent-events.ts';
import { AgentError } from '../errors.ts';
import { requireOwnFolder } from './socket-folder.ts';

/** What an agent says. It is of the same user and may be of another version: unknown types are to be passed over. */
export type AgentAnswer = AgentEvent | { readonly type: 'status'; readonly plans: readonly PlanState[] };

const ANSWERS_WITHIN = 10_000;
const MAX_LINE = 4_000_000;

/**
 * The states of all plans as the agent sees them, after it has looked anew; undefined when no agent runs.
 * @throws AgentError `not-private`, `no-answer`
 */
export async function askAgent(
  path: string,
  request: 'status' | 'look' | 'renew',
): Promise<readonly PlanState[] | undefined> {
  const socket = await connected(path);
  if (socket === undefined) return undefined;
  socket.setTimeout(ANSWERS_WITHIN, () => socket.destroy());
  try {
    socket.write(`${JSON.stringify({ do: request })}\n`);
    for await (const answer of answersOf(socket)) if (answer.type === 'status') return answer.plans;
  } finally {
    socket.destroy();
  }
  throw new AgentError('no-answer', `ask the agent at ${path}: it did not answer`);
}

/** The state of all plans, then what happens, until the agent ends or `signal` aborts; nothing when no agent runs. */
export async function* watchAgent(path: string, signal: AbortSignal): AsyncGenerator<AgentAnswer> {
  const socket = await connected(path);
  if (socket === undefined) return;
  const onAbort = (): void => void socket.destroy();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    socket.write('{"do":"watch"}\n');
    yield* answersOf(socket);
  } finally {
    signal.removeEventListener('abort', onAbort);
    socket.destroy();
  }
}

async function connected(path: string): Promise<Socket | undefined> {
  if (process.platform !== 'win32') {
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return undefined;
    requireOwnFolder(dirname(path));
  }
  const socket = connect(path);
  socket.setEncoding('utf8');
  return await new Promise((resolve, reject) => {
    socket.once('connect', () => resolve(socket));
    socket.once('error', (error: NodeJS.ErrnoException) => {
      const isNobody = error.code === 'ENOENT' || error.code === 'ECONNREFUSED';
      if (isNobody) resolve(undefined);
      else reject(new AgentError('no-answer', `ask the agent at ${path}: ${error.message}`, { cause: error }));
    });
  });
}

/** Ends when the other side does, however it does. */
async function* answersOf(socket: Socket): AsyncGenerator<AgentAnswer> {
  let text = '';
  // Thrown into the loop below.
  socket.on('error', () => {});
  try {
    for await (const chunk of socket as AsyncIterable<string>) {
      const lines = (text + chunk).split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) yield answerOf(line);
      if (text.length > MAX_LINE) return;
    }
  } catch (error) {
    if (error instanceof AgentError) throw error;
  }
}

function areStates(plans: unknown): boolean {
  const isState = (state: unknown): boolean =>
    typeof (state as Partial<PlanState> | null)?.plan === 'string' &&
    typeof (state as Partial<PlanState>).state === 'string';
  return Array.isArray(plans) && plans.every(isState);
}

function answerOf(line: string): AgentAnswer {
  try {
    const answer = JSON.parse(line) as { readonly type?: unknown; readonly plans?: unknown } | null;
    const isOne = typeof answer?.type === 'string' && (answer.type !== 'status' || areStates(answer.plans));
    if (isOne) return answer as AgentAnswer;
  } catch {
    // Told below.
  }
  throw new AgentError('no-answer', 'ask the agent: what answers is not one');
}
