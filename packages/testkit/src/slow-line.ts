/**
 * A line with a queue, before a server: all that is sent to it, by all connections, waits in one queue that empties at a
 * rate, as in the router of a house. When the queue is full, whoever sends waits. What comes back is not held up.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface SlowLine extends AsyncDisposable {
  readonly origin: string;
  /** Milliseconds that a byte would wait that came now, each time one did. */
  readonly waits: readonly number[];
}

interface Queued {
  readonly bytes: Buffer;
  readonly to: Socket;
  readonly from: Socket;
}

const TICK = 5;

/** `rate`: bytes a second; `room`: bytes of the queue. */
export async function slowLine(
  target: URL,
  { rate, room }: { readonly rate: number; readonly room: number },
): Promise<SlowLine> {
  const queue: Queued[] = [];
  const waits: number[] = [];
  const sockets = new Set<Socket>();
  let [length, carried, seenAt] = [0, 0, performance.now()];

  const server = createServer((from) => {
    const to = connect(Number(target.port), target.hostname);
    for (const socket of [from, to]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
    }
    from.on('data', (bytes: Buffer) => {
      waits.push((length * 1000) / rate);
      length += bytes.length;
      queue.push({ bytes, to, from });
      if (length > room) from.pause();
    });
    to.on('data', (bytes: Buffer) => void from.write(bytes));
    from.on('close', () => to.end());
    to.on('close', () => from.destroy());
  });

  const timer = setInterval(() => {
    const now = performance.now();
    carried = queue.length === 0 ? 0 : carried + ((now - seenAt) * rate) / 1000;
    seenAt = now;
    for (let next = queue[0]; next !== undefined && next.bytes.length <= carried; next = queue[0]) {
      queue.shift();
      carried -= next.bytes.length;
      length -= next.bytes.length;
      next.to.write(next.bytes);
      if (length <= room) for (const socket of sockets) if (socket.isPaused()) socket.resume();
    }
  }, TICK);

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    waits,
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
