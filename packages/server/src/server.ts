/** Puts the routes of `protocol` onto HTTP, with limits on all that a stranger can send, and an end that loses nothing. */
import type { ServerOptions as HttpOptions } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import { AccountsError, type AccountsSurroundings } from '@keephold/accounts';
import { toHex } from '@keephold/bytes';
import type { DamageList } from '@keephold/custody';
import { PROBLEM_TYPE, type Route, type RouteName, routes } from '@keephold/protocol/http';
import { type FastifyBaseLogger, type FastifyInstance, type FastifyReply, fastify, LogController } from 'fastify';
import { longestBody, PACE } from './bodies/paced.ts';
import { BUFFER_LENGTH, PackBuffers } from './bodies/pack-buffers.ts';
import { databaseHealth } from './database-health.ts';
import { ServerError } from './errors.ts';
import { accountHandlers } from './handlers/account-handlers.ts';
import { adminHandlers } from './handlers/admin-handlers.ts';
import { deletionHandlers } from './handlers/deletion-handlers.ts';
import { factorHandlers } from './handlers/factor-handlers.ts';
import { noticeHandlers } from './handlers/notice-handlers.ts';
import { joiningRoutes, pairingHandlers } from './handlers/pairing-handlers.ts';
import { planHandlers } from './handlers/plan-handlers.ts';
import { sessionHandlers } from './handlers/session-handlers.ts';
import { signInRoutes } from './handlers/sign-in-routes.ts';
import { vaultHandlers } from './handlers/vault-handlers.ts';
import { waysInHandlers } from './handlers/ways-in-handlers.ts';
import type { AccountKeeper } from './keeper.ts';
import { measureRequests } from './metrics/measure-requests.ts';
import type { Metrics } from './metrics/metrics.ts';
import { openRoutes, type ReplicationState } from './open-routes.ts';
import { asProblem } from './problems.ts';
import { registerReference } from './reference.ts';
import { Refusals } from './refusals.ts';
import { accountRoute, type ServedRoute } from './serve-route.ts';
import type { KeychainAuthority } from './sessions/keychain-authority.ts';
import { type Certificate, tlsOptions } from './tls.ts';

export type LogLevel = 'error' | 'warn' | 'info' | 'debug' | 'silent';

/** Milliseconds. */
export interface Patience {
  /** In which the head of a request has to be there. */
  readonly heads: number;
  /** In which a body has to get on. */
  readonly bodies: number;
  /** After which a connection ends on which nothing moves; who waits for memory is not meant. */
  readonly silence?: number;
}

export interface ServerOptions {
  readonly keeper: AccountKeeper;
  readonly authority: KeychainAuthority;
  readonly accounts: AccountsSurroundings;
  /** Whether owners may have things deleted before the delays of their policy; not where others' devices are kept. */
  readonly earlyPurge?: 'refused' | 'allowed';
  /** Undefined: there is no second site. */
  readonly replication?: ReplicationState | undefined;
  /** What was found damaged, for admins; nobody looks for it when undefined. */
  readonly damage?: DamageList | undefined;
  /** Lines of JSON; none without it. */
  readonly log?: { write(line: string): void };
  /** The least that is logged; 'info', with a line for each request, without it. */
  readonly logLevel?: LogLevel;
  /** Nothing is measured without it. */
  readonly metrics?: Metrics | undefined;
  /** Addresses and ranges of proxies that are believed who calls; those of this machine without it. */
  readonly trustedProxies?: readonly string[] | undefined;
  /** HTTP without encryption when undefined: for a proxy on the same machine. */
  readonly certificate?: Certificate | undefined;
  /** How long running requests have to end when the server stops. Milliseconds. */
  readonly grace?: number;
  readonly patience?: Patience | undefined;
  /** Packs on their way at once: 17 MiB each. */
  readonly packsAtOnce?: number;
}

export interface RunningServer {
  /** `http://HOST:PORT`, `https://` with a certificate. */
  readonly url: string;
  /** For connections from now on. @throws Error when the two do not belong together; what was used before stays. */
  renewCertificate(certificate: Certificate): void;
  /** Running requests end, new ones get 503 with Retry-After. */
  stop(): Promise<void>;
}

const RETRY_AFTER = 5;
const STOP_LIMIT = 30_000;
const PACKS_AT_ONCE = 6;

export async function startServer(
  options: ServerOptions,
  listen: { readonly host: string; readonly port: number },
): Promise<RunningServer> {
  const state = { stopping: false, running: 0, ended: (): void => {} };
  const app = createApp(options);
  countRequests(app, state);
  if (options.metrics !== undefined) measureRequests(app, options.metrics);
  registerRoutes(app, options, () => state.stopping);
  await app.listen(listen);
  const { address, port, family } = app.server.address() as AddressInfo;
  const host = family === 'IPv6' ? `[${address}]` : address;
  return {
    url: `${options.certificate === undefined ? 'http' : 'https'}://${host}:${port}`,
    renewCertificate: (certificate) => {
      if (app.server instanceof TlsServer) app.server.setSecureContext(tlsOptions(certificate));
    },
    stop: async () => {
      state.stopping = true;
      await withinGrace(state, options.grace ?? STOP_LIMIT);
      await app.close();
      await options.keeper.close();
    },
  };
}

interface RequestState {
  stopping: boolean;
  running: number;
  ended: () => void;
}

async function withinGrace(state: RequestState, grace: number): Promise<void> {
  if (state.running === 0) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, grace);
    state.ended = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}

function httpLimits({ patience }: ServerOptions): HttpOptions {
  const headersTimeout = patience?.heads ?? 15_000;
  return { headersTimeout, maxHeaderSize: 16 * 1024, connectionsCheckingInterval: headersTimeout / 3 };
}

function createApp(options: ServerOptions): FastifyInstance {
  const { log, logLevel = 'info', certificate, accounts } = options;
  const http = httpLimits(options);
  const app = fastify({
    // Several packs share a thin line; headers, and silence in between, have far less.
    requestTimeout: longestBody(BUFFER_LENGTH),
    connectionTimeout: options.patience?.silence ?? 60_000,
    keepAliveTimeout: 75_000,
    http,
    ...secured(certificate, http),
    bodyLimit: 1,
    // Limits go by the address of who calls, and a proxy says it; nobody else is believed.
    trustProxy: ['loopback', ...(options.trustedProxies ?? [])],
    routerOptions: { maxParamLength: 64 },
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    logController: new LogController({ disableRequestLogging: true }),
    logger: log === undefined ? false : { level: logLevel, stream: log, base: null },
    genReqId: () => toHex(accounts.random(8)),
    clientErrorHandler: refuseUnreadable,
  });
  app.server.maxConnections = 2000;
  // Bodies are read by the routes, each up to its own limit.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => {
    done(null, payload);
  });
  app.setErrorHandler(async (error, request, reply) => await sendProblem(reply, error, request.log));
  app.setNotFoundHandler(async (request, reply) => {
    return await sendProblem(reply, new ServerError('not-found', 'there is no such route'), request.log);
  });
  return app;
}

/** Its type says nothing: to the framework an app with TLS is of another type, which nothing here depends on. */
function secured(certificate: Certificate | undefined, http: HttpOptions): object {
  return certificate === undefined ? {} : { https: { ...http, ...tlsOptions(certificate) } };
}

function refuseUnreadable(
  this: unknown,
  error: Error & { readonly code?: string },
  socket: import('node:net').Socket,
): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? '408 Request Timeout' : '400 Bad Request';
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'referrer-policy': 'no-referrer',
  // Browsers heed it over https only.
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
  'x-content-type-options': 'nosniff',
};

function countRequests(app: FastifyInstance, state: RequestState): void {
  app.addHook('onRequest', async (request, reply) => {
    // For who asks the operator what went wrong: it is in the log, and in nothing else.
    reply.headers(HEADERS).header('x-request-id', request.id);
    if (!state.stopping || request.routeOptions.url === routes.health.path) return;
    throw new ServerError('stopping', 'the server is about to stop; try again');
  });
  app.addHook('onRequest', async (_, reply) => {
    state.running++;
    reply.raw.once('close', () => {
      state.running--;
      if (state.stopping && state.running === 0) state.ended();
    });
  });
  // The pattern of the route, not the path: that has ids of users.
  app.addHook('onResponse', async (request, reply) => {
    const { method, url } = request.routeOptions;
    request.log.info({ method, route: url, status: reply.statusCode, ms: Math.round(reply.elapsedTime) }, 'request');
  });
}

function registerRoutes(app: FastifyInstance, options: ServerOptions, isStopping: () => boolean): void {
  const { keeper, authority, accounts, metrics } = options;
  const parts = {
    keeper,
    authority,
    buffers: new PackBuffers(options.packsAtOnce ?? PACKS_AT_ONCE),
    refusals: new Refusals(accounts),
    now: accounts.now,
    pace: { ...PACE, window: options.patience?.bodies ?? PACE.window },
  };
  metrics?.gauge('transfers_running', 'Packs on their way.', () => parts.buffers.inUse);
  metrics?.gauge('transfers_waiting', 'Packs that wait until others are through.', () => parts.buffers.waiting);
  metrics?.gauge('sessions', 'Tokens of devices and unlocked apps.', () => authority.sessions);
  const handlers = {
    ...accountHandlers(authority, accounts),
    ...waysInHandlers(authority, accounts),
    ...pairingHandlers(accounts),
    ...adminHandlers(accounts, { keeper, authority, damage: options.damage }),
    ...planHandlers(accounts),
    ...sessionHandlers(accounts),
    ...factorHandlers(authority, accounts),
    ...vaultHandlers,
    ...noticeHandlers(accounts),
    ...deletionHandlers(accounts, options.earlyPurge ?? 'refused'),
  };
  for (const [name, handler] of Object.entries(handlers)) {
    const route: Route = routes[name as RouteName];
    register(app, route, accountRoute(route, handler, parts));
  }
  const open = {
    ...openRoutes({ authority, isStopping, replication: options.replication, database: databaseHealth(accounts) }),
    ...signInRoutes({ keeper, authority, accounts }),
    ...joiningRoutes(accounts),
  };
  for (const [name, served] of Object.entries(open)) register(app, routes[name as RouteName], served);
  registerReference(app);
}

function register(app: FastifyInstance, route: Route, handler: ServedRoute): void {
  const { method, path: url, params, query } = route;
  const schema = { ...(params && { params }), ...(query && { querystring: query }) };
  app.route({ method, url, schema, handler });
}

async function sendProblem(reply: FastifyReply, error: unknown, log: FastifyBaseLogger): Promise<FastifyReply> {
  const problem = asProblem(error);
  const { code, status } = problem;
  // Messages may name folders: only what the error is, not what it says. Whoever has used up his plan is no failure of ours.
  if (status >= 500 && code !== 'over-quota') log.error({ code, error: nameOf(error) }, 'failed');
  if (status === 503) reply.header('retry-after', RETRY_AFTER);
  if (error instanceof AccountsError && error.retryAfter !== undefined) reply.header('retry-after', error.retryAfter);
  // What is left of a body that was not read would be taken for the next request.
  if (!reply.request.raw.complete) reply.header('connection', 'close');
  return await reply.code(status).type(PROBLEM_TYPE).send(JSON.stringify(problem));
}

function nameOf(error: unknown): string {
  const { name, code } = error as { readonly name?: unknown; readonly code?: unknown };
  return [name, code].filter((part) => typeof part === 'string').join(' ');
}
