/** restic's own HTTP server on this machine, for a comparison over the same loopback. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { findProgram } from '../tools/find-programs.ts';

export interface ResticServer {
  /** What restic takes for a repository. */
  readonly repository: string;
  readonly stop: () => Promise<void>;
}

/** Of Debian's package `restic-rest-server`; `undefined` where it is not installed. */
export function findResticServer(): string | undefined {
  return findProgram('restic-rest-server', ['rest-server*/usr/bin/restic-rest-server']);
}

export async function startResticServer(program: string, folder: string): Promise<ResticServer> {
  const address = `127.0.0.1:${await freePort()}`;
  const child = spawn(program, ['--path', folder, '--no-auth', '--listen', address], { stdio: 'ignore' });
  await listening(child, Number(address.split(':')[1]));
  return {
    repository: `rest:http://${address}/`,
    stop: async () => {
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port is free');
  return address.port;
}

async function listening(child: ChildProcess, port: number): Promise<void> {
  while (child.exitCode === null && child.signalCode === null) {
    const socket = connect(port, '127.0.0.1');
    const answers = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    if (answers) return;
    await sleep(20);
  }
  throw new Error('the server of restic ended before it listened');
}
