/** Counts requests by the pattern of their route, and the bytes of their connections. */
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Metrics } from './metrics.ts';

const NONE = 'none';
const BY_ROUTE = ['method', 'route'];

interface Counted {
  readonly read: number;
  readonly written: number;
}

export function measureRequests(app: FastifyInstance, metrics: Metrics): void {
  const requests = metrics.counter('http_requests_total', 'Requests answered.', [...BY_ROUTE, 'status']);
  const durations = metrics.durations('http_request', 'From the head of a request to the end of its answer.', BY_ROUTE);
  const received = metrics.counter('http_received_bytes_total', 'Bytes read from connections, heads included.', []);
  const sent = metrics.counter('http_sent_bytes_total', 'Bytes written to connections, heads included.', []);
  // Connections carry one request after the other, so that what is new since the last one is of this one.
  const counted = new WeakMap<Socket, Counted>();
  app.addHook('onResponse', async (request, reply) => {
    const route = routeOf(request);
    requests({ ...route, status: String(reply.statusCode) });
    durations(route, reply.elapsedTime / 1000);
    const { socket } = request.raw;
    const before = counted.get(socket) ?? { read: 0, written: 0 };
    const now = { read: socket.bytesRead, written: socket.bytesWritten };
    counted.set(socket, now);
    received({}, Math.max(0, now.read - before.read));
    sent({}, Math.max(0, now.written - before.written));
  });
}

/** What strangers ask for that is nowhere is one route: they must not make new labels. */
function routeOf({ method, routeOptions }: FastifyRequest): { readonly method: string; readonly route: string } {
  const { url } = routeOptions;
  return url === undefined ? { method: NONE, route: NONE } : { method, route: url };
}
