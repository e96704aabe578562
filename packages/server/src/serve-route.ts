/** The way of every request through its route: who asks, whether they may, the body, the handler, the answer. */
import type { Socket } from 'node:net';
import { equalBytes, fromHex, toHex } from '@keephold/bytes';
import { type Route, rolesFor, schemas } from '@keephold/protocol/http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { answer } from './answer.ts';
import {
  type Authenticated,
  type Authority,
  allowed,
  isFreshEnough,
  isSuspendedFrom,
  type Principal,
} from './authority.ts';
import type { Pace } from './bodies/paced.ts';
import type { PackBuffers } from './bodies/pack-buffers.ts';
import { readBody, readBodyInto } from './bodies/read-body.ts';
import { readJson } from './bodies/read-json.ts';
import { ServerError, unauthenticated } from './errors.ts';
import type { Call, Handler } from './handlers/handler.ts';
import type { AccountKeeper } from './keeper.ts';
import type { Refusals } from './refusals.ts';

export interface RouteParts {
  readonly authority: Authority;
  readonly keeper: AccountKeeper;
  readonly buffers: PackBuffers;
  readonly refusals: Refusals;
  readonly pace: Pace;
  /** Unix milliseconds. */
  readonly now: () => number;
}

const NOTHING = new Uint8Array(0);

export type ServedRoute = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;

/** A route that needs a device of the account. */
export function accountRoute(route: Route, handler: Handler, parts: RouteParts): ServedRoute {
  return async (request, reply) => {
    const authenticated = await authenticate(request, parts.authority);
    const { principal } = authenticated;
    const { buffers, pace } = parts;
    const params = request.params as Call['params'];
    const vault = params['vault'] === undefined ? undefined : fromHex(String(params['vault']));
    if (route.action === undefined || !allowed(principal, route.action, vault)) {
      await parts.refusals.record(principal, route, request.ip);
      throw refusalOf(principal, route);
    }
    if (isSuspendedFrom(principal, route)) {
      throw new ServerError('suspended', 'the account is suspended: nothing new is taken');
    }
    if (!isFreshEnough(principal, route, parts.now())) throw unauthenticated();
    const holder = toHex(principal.accountId);
    return await withMemory(route, { buffers, holder, socket: request.raw.socket }, async (memory) => {
      const body = await takeBody(route, request, { authenticated, memory, pace });
      return await parts.keeper.use(principal.accountId, async (custody) => {
        const query = request.query as Call['query'];
        const result = await handler({ principal, custody, params, query, address: request.ip, ...body });
        return await answer(reply, result);
      });
    });
  };
}

async function authenticate(request: FastifyRequest, authority: Authority): Promise<Authenticated> {
  const { authorization, dpop, host } = request.headers;
  return await authority.authenticate({
    method: request.method,
    target: request.raw.url ?? '',
    host: host ?? '',
    authorization,
    proof: typeof dpop === 'string' ? dpop : undefined,
  });
}

interface Holding {
  readonly buffers: PackBuffers;
  readonly holder: string;
  readonly socket: Socket;
}

/** While we let somebody wait, his silence is ours: others may take minutes for a pack by a thin line. */
async function unhurried<T>(socket: Socket, work: () => Promise<T>): Promise<T> {
  const { timeout } = socket;
  socket.setTimeout(0);
  try {
    return await work();
  } finally {
    if (timeout !== undefined) socket.setTimeout(timeout);
  }
}

/** Runs `work` with the memory of a pack where the route may need it, until the answer is on its way. */
async function withMemory<T>(
  route: Route,
  { buffers, holder, socket }: Holding,
  work: (memory: Uint8Array | undefined) => Promise<T>,
): Promise<T> {
  const needs = route.body?.boundBy === 'name' || route.params === schemas.PackPath;
  if (!needs) return await work(undefined);
  const memory = await unhurried(socket, async () => await buffers.take(holder));
  try {
    return await work(memory);
  } finally {
    buffers.give(memory, holder);
  }
}

interface BodyContext {
  readonly authenticated: Authenticated;
  readonly memory: Uint8Array | undefined;
  readonly pace: Pace;
}

async function takeBody(
  { body }: Route,
  request: FastifyRequest,
  { authenticated, memory, pace }: BodyContext,
): Promise<Pick<Call, 'bytes' | 'json'>> {
  if (body === undefined) return { bytes: memory ?? NOTHING, json: undefined };
  const received =
    memory === undefined
      ? await readBody(request.raw, body.limit, pace)
      : await readBodyInto(request.raw, { into: memory, limit: body.limit, pace });
  if (body.boundBy === 'name') requireName(request, received.sha256);
  else if (authenticated.bodyDigest === undefined || !equalBytes(authenticated.bodyDigest, received.sha256)) {
    throw unauthenticated();
  }
  return { bytes: received.bytes, json: body.schema === undefined ? undefined : readJson(body.schema, received.bytes) };
}

function requireName(request: FastifyRequest, sha256: Uint8Array): void {
  const { pack, object, grant } = request.params as { readonly [name: string]: string | undefined };
  const name = fromHex(pack ?? object ?? grant ?? '');
  if (equalBytes(name, sha256)) return;
  throw new ServerError('refused', 'the bytes do not have that name');
}

/** An owner may all there is to his account: what he may not is not there. */
function refusalOf({ role }: Principal, { action }: Route): ServerError {
  const isElsewhere = action !== undefined && role === 'unlocked' && rolesFor[action].includes(role);
  return isElsewhere
    ? new ServerError('refused', 'the account has no such vault')
    : new ServerError('forbidden', 'this session may not do this');
}
