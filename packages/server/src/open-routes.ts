/** Routes that strangers reach without any account: health, the nonce, and the session of a device. */
import { routes, type schemas } from '@keephold/protocol/http';
import { readJsonBody } from './bodies/read-json.ts';
import type { ServedRoute } from './serve-route.ts';
import type { KeychainAuthority } from './sessions/keychain-authority.ts';

export interface OpenRouteParts {
  readonly authority: KeychainAuthority;
  readonly isStopping: () => boolean;
}

export type OpenRoute = 'health' | 'challenge' | 'openDeviceSession';

export function openRoutes({ authority, isStopping }: OpenRouteParts): Readonly<Record<OpenRoute, ServedRoute>> {
  return {
    health: async (_, reply) => {
      const stopping = isStopping();
      return await reply.code(stopping ? 503 : 200).send({ status: stopping ? 'stopping' : 'ok' });
    },
    challenge: async (_, reply) => await reply.send(authority.challenge()),
    openDeviceSession: async (request, reply) => {
      const wanted = await readJsonBody<schemas.SessionBody>(request.raw, routes.openDeviceSession.body);
      return await reply.send(await authority.openSession(wanted));
    },
  };
}
