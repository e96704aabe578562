/** `GET /metrics` on an address of its own: whoever reaches it may read it, so it is never the public one. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Metrics } from './metrics.ts';

export interface MetricsServer {
  /** `http://HOST:PORT/metrics` */
  readonly url: string;
  stop(): Promise<void>;
}

const MOST_CONNECTIONS = 32;
const LIMITS = { requestTimeout: 10_000, headersTimeout: 5000, maxHeaderSize: 8192, keepAliveTimeout: 75_000 };

export async function serveMetrics(
  metrics: Metrics,
  listen: { readonly host: string; readonly port: number },
): Promise<MetricsServer> {
  const server = createMetricsServer(metrics);
  server.maxConnections = MOST_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(listen, resolve);
  });
  const { address, port, family } = server.address() as AddressInfo;
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}/metrics`,
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

function createMetricsServer(metrics: Metrics): Server {
  return createServer(LIMITS, (request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    metrics.text().then(
      (text) => response.writeHead(200, { 'content-type': metrics.contentType, 'cache-control': 'no-store' }).end(text),
      () => response.writeHead(500).end(),
    );
  });
}
