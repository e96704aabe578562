/** One address before several servers: connections go to the server that is chosen at the moment. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Switch extends AsyncDisposable {
  readonly url: string;
  /** Connections that are open break. */
  readonly to: (url: string) => void;
}

/** `onBytes` hears all that is sent, either way. */
export async function createSwitch(url: string, onBytes?: (bytes: Buffer) => void): Promise<Switch> {
  let target = new URL(url);
  const open = new Set<Socket>();
  const server = createServer((incoming) => {
    const outgoing = connect(Number(target.port), target.hostname);
    for (const [socket, other] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      open.add(socket);
      socket.pipe(other);
      if (onBytes !== undefined) socket.on('data', onBytes);
      socket.on('error', () => {});
      socket.on('close', () => {
        open.delete(socket);
        other.destroy();
      });
    }
  });
  const cut = (): void => {
    for (const socket of open) socket.destroy();
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    to: (next) => {
      target = new URL(next);
      cut();
    },
    [Symbol.asyncDispose]: async () => {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
