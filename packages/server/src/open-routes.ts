/** Routes that strangers reach without any account: health, the nonce, and the session of a device. */
import { routes, type schemas } from '@keephold/protocol/http';
import { readJsonBody } from './bodies/read-json.ts';
import type { DatabaseState } from './database-health.ts';
import type { ServedRoute } from './serve-route.ts';
import type { KeychainAuthority } from './sessions/keychain-authority.ts';

export interface OpenRouteParts {
  readonly authority: KeychainAuthority;
  readonly isStopping: () => boolean;
  readonly replication?: ReplicationState | undefined;
  readonly database: () => Promise<DatabaseState>;
}

/** How far the second site is behind. */
export type ReplicationState = () => Promise<{ readonly vaults: number; readonly behindSeconds: number }>;

export type OpenRoute = 'health' | 'challenge' | 'openDeviceSession';

export function openRoutes({
  authority,
  isStopping,
  replication,
  database,
}: OpenRouteParts): Readonly<Record<OpenRoute, ServedRoute>> {
  return {
    health: async (_, reply) => {
      const stopping = isStopping();
      // A database that is away is told, and is no reason to start a server anew that waits for it.
      const told = { database: await database(), ...(await replicaOf(replication)) };
      return await reply.code(stopping ? 503 : 200).send({ status: stopping ? 'stopping' : 'ok', ...told });
    },
    challenge: async (_, reply) => await reply.send(authority.challenge()),
    openDeviceSession: async (request, reply) => {
      const wanted = await readJsonBody<schemas.SessionBody>(request.raw, routes.openDeviceSession.body);
      return await reply.send(await authority.openSession(wanted));
    },
  };
}

/** A database that is away must not make a server that waits for it look dead. */
async function replicaOf(state: ReplicationState | undefined): Promise<{ readonly replica?: schemas.ReplicaState }> {
  try {
    return state === undefined ? {} : { replica: await state() };
  } catch {
    return {};
  }
}
