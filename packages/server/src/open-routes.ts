/** Routes that strangers reach: health, the nonce, the session, and a new account by invitation. */
import { asAccountId, parseKeychainEntry } from '@keephold/protocol';
import { decodeGenesisBody, type RouteName, routes, type schemas } from '@keephold/protocol/http';
import { readBody } from './bodies/read-body.ts';
import { readJson } from './bodies/read-json.ts';
import { ServerError } from './errors.ts';
import type { Invitations } from './invitations.ts';
import type { AccountKeeper } from './keeper.ts';
import type { ServedRoute } from './serve-route.ts';
import type { KeychainAuthority } from './sessions/keychain-authority.ts';

export interface OpenRouteParts {
  readonly authority: KeychainAuthority;
  readonly keeper: AccountKeeper;
  readonly invitations: Invitations;
  readonly isStopping: () => boolean;
}

export type OpenRoute = Extract<RouteName, 'health' | 'challenge' | 'openDeviceSession' | 'createAccount'>;

export function openRoutes(parts: OpenRouteParts): Readonly<Record<OpenRoute, ServedRoute>> {
  const { authority } = parts;
  return {
    health: async (_, reply) => {
      const stopping = parts.isStopping();
      return await reply.code(stopping ? 503 : 200).send({ status: stopping ? 'stopping' : 'ok' });
    },
    challenge: async (_, reply) => await reply.send(authority.challenge()),
    openDeviceSession: async (request, reply) => {
      const { body } = routes.openDeviceSession;
      const { bytes } = await readBody(request.raw, body.limit);
      const wanted = readJson(body.schema as typeof schemas.SessionBody, bytes) as schemas.SessionBody;
      return await reply.send(await authority.openSession(wanted));
    },
    createAccount: async (request, reply) => {
      const { bytes } = await readBody(request.raw, routes.createAccount.body.limit);
      await createAccount(bytes, parts);
      return await reply.code(204).send();
    },
  };
}

async function createAccount(bytes: Uint8Array, { keeper, invitations }: OpenRouteParts): Promise<void> {
  const { invitation, keychain, slots, keyring } = decodeGenesisBody(bytes);
  const [genesis] = keychain;
  if (genesis === undefined) throw new ServerError('malformed', 'there is no keychain');
  const accountId = asAccountId(parseKeychainEntry(genesis).entry.accountId);
  await invitations.redeem(invitation, async () => {
    await keeper.create({ accountId, keychain, slots, keyring, grants: [] });
  });
}
