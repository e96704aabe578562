/** A real HTTP proxy before a store that does one thing wrong with each of the next requests. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Fault =
  | { readonly kind: 'status'; readonly status: number }
  | { readonly kind: 'reset' }
  | { readonly kind: 'silence' }
  /** Half of the answer's body, then a reset. */
  | { readonly kind: 'cut' }
  /** The store gets the request; its answer is lost. */
  | { readonly kind: 'lost-answer' };

export interface FaultyProxy extends AsyncDisposable {
  readonly endpoint: URL;
  readonly seen: () => number;
}

export async function faultyProxy(target: URL, faults: readonly Fault[]): Promise<FaultyProxy> {
  let seen = 0;
  const server = createServer((incoming, outgoing) => {
    const fault = faults[seen++];
    incoming.on('error', () => undefined);
    if (fault?.kind === 'status') refuse(incoming, outgoing, fault.status);
    else if (fault?.kind === 'reset') incoming.socket.resetAndDestroy();
    else if (fault?.kind === 'silence') incoming.resume();
    else forward({ target, incoming, outgoing, fault });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    seen: () => seen,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function refuse(incoming: IncomingMessage, outgoing: ServerResponse, status: number): void {
  incoming.resume();
  incoming.on('end', () => outgoing.writeHead(status).end('<Error><Code>SlowDown</Code></Error>'));
}

function forward(what: {
  readonly target: URL;
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly fault: Fault | undefined;
}): void {
  const { target, incoming, outgoing, fault } = what;
  const { method, url: path, headers } = incoming;
  const options = { host: target.hostname, port: target.port, method, path, headers };
  const onward = request({ ...options, setDefaultHeaders: false }, (answer) => {
    if (fault?.kind === 'lost-answer') {
      answer.resume();
      answer.on('end', () => incoming.socket.resetAndDestroy());
    } else if (fault?.kind === 'cut') {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.once('data', (part: Uint8Array) => {
        answer.resume();
        outgoing.write(part.subarray(0, part.length / 2), () => incoming.socket.resetAndDestroy());
      });
    } else {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(outgoing);
    }
  });
  onward.on('error', () => outgoing.destroy());
  incoming.pipe(onward);
}
