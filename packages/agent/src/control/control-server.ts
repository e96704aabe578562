/**
 * The agent's end of its socket: JSON lines both ways. A line asks, one line answers; `watch` answers with one line for
 * each event until the asker goes. Only programs of the same user get in, by the rights of the folder.
 *
 *     {"do":"status"}  → {"type":"status","plans":[…]}
 *     {"do":"look"}    → {"type":"status",…}, after everything that lies on the disk was read anew
 *     {"do":"watch"}   → {"type":"status",…}, then events
 *     {"do":"renew"}   → {"type":"status",…}; it ends to be started again, when no run is going
 */
import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import type { AgentEvent, PlanState } from '../agent-events.ts';
import { makeSocketFolder } from './socket-folder.ts';

export interface Controlled {
  look(): void;
  renew(): void;
  states(): readonly PlanState[];
}

const MAX_REQUEST = 4096;
const MAX_CONNECTIONS = 64;
/** What a watcher may leave unread; it is let go then. */
const MAX_UNREAD = 1_000_000;

export class ControlServer implements AsyncDisposable {
  readonly #controlled: Controlled;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #watchers = new Set<Socket>();

  private constructor(controlled: Controlled) {
    this.#controlled = controlled;
    this.#server = createServer((socket) => this.#serve(socket));
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  /** Whoever calls is the only agent: what lies at the path is of a dead one. */
  static async listen(path: string, controlled: Controlled): Promise<ControlServer> {
    const control = new ControlServer(controlled);
    if (process.platform !== 'win32') {
      makeSocketFolder(dirname(path));
      rmSync(path, { force: true });
    }
    await new Promise<void>((resolve, reject) => {
      control.#server.once('error', reject);
      control.#server.listen(path, resolve);
    });
    return control;
  }

  tell(event: AgentEvent): void {
    for (const socket of this.#watchers) this.#send(socket, event);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    for (const socket of this.#sockets) socket.destroySoon();
    await closed;
  }

  #serve(socket: Socket): void {
    let text = '';
    this.#sockets.add(socket);
    socket.setEncoding('utf8');
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#sockets.delete(socket);
      this.#watchers.delete(socket);
    });
    socket.on('data', (chunk: string) => {
      const lines = (text + chunk).split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) this.#answer(socket, line);
      if (text.length > MAX_REQUEST) socket.destroy();
    });
  }

  #answer(socket: Socket, line: string): void {
    const asked = requestOf(line);
    if (asked === 'look') this.#controlled.look();
    // After the answer: it may end at once.
    if (asked === 'renew') setImmediate(() => this.#controlled.renew());
    if (asked === 'watch') this.#watchers.add(socket);
    if (asked === undefined) this.#send(socket, { type: 'error', code: 'unknown-request' });
    else this.#send(socket, { type: 'status', plans: this.#controlled.states() });
  }

  #send(socket: Socket, record: object): void {
    if (socket.writableLength > MAX_UNREAD) socket.destroy();
    else socket.write(`${JSON.stringify(record)}\n`);
  }
}

const requests = ['status', 'look', 'watch', 'renew'] as const;

function requestOf(line: string): (typeof requests)[number] | undefined {
  try {
    const asked = (JSON.parse(line) as { readonly do?: unknown } | null)?.do;
    return requests.find((request) => request === asked);
  } catch {
    return undefined;
  }
}
