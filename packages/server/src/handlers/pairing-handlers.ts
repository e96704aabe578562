/** The messages by which an app adds a device: carried, not read (security.md §3.10). */
import {
  type AccountsSurroundings,
  openPairing,
  type PairingMessage,
  type PairingSide,
  readPairingMessage,
  sendPairingMessage,
} from '@keephold/accounts';
import { fromHex } from '@keephold/bytes';
import { routes } from '@keephold/protocol/http';
import type { FastifyRequest } from 'fastify';
import { answer } from '../answer.ts';
import { readBody } from '../bodies/read-body.ts';
import type { ServedRoute } from '../serve-route.ts';
import { bytesOrAbsent, type Call, EMPTY, type Handler, json } from './handler.ts';

export type PairingRoute = 'openPairing' | 'sendAsApp' | 'readAsApp';
export type JoiningRoute = 'sendAsDevice' | 'readAsDevice';

interface Named {
  readonly ticketId: Uint8Array;
  readonly message: PairingMessage;
}

function namedBy(params: Call['params']): Named {
  return { ticketId: fromHex(String(params['ticket'])), message: params['message'] as PairingMessage };
}

export function pairingHandlers(accounts: AccountsSurroundings): Readonly<Record<PairingRoute, Handler>> {
  const appOf = ({ principal }: Call): PairingSide => ({ kind: 'app', accountId: principal.accountId });
  return {
    openPairing: async ({ principal, params }) =>
      json(await openPairing(accounts, principal.accountId, namedBy(params).ticketId)),
    sendAsApp: async (call) => {
      await sendPairingMessage(accounts, appOf(call), { ...namedBy(call.params), bytes: call.bytes });
      return EMPTY;
    },
    readAsApp: async (call) => bytesOrAbsent(await readPairingMessage(accounts, appOf(call), namedBy(call.params))),
  };
}

export function joiningRoutes(accounts: AccountsSurroundings): Readonly<Record<JoiningRoute, ServedRoute>> {
  const deviceAt = ({ ip: address }: FastifyRequest): PairingSide => ({ kind: 'device', address });
  return {
    sendAsDevice: async (request, reply) => {
      const { bytes } = await readBody(request.raw, routes.sendAsDevice.body.limit);
      await sendPairingMessage(accounts, deviceAt(request), { ...namedBy(request.params as Call['params']), bytes });
      return await reply.code(204).send();
    },
    readAsDevice: async (request, reply) => {
      const named = namedBy(request.params as Call['params']);
      return await answer(reply, bytesOrAbsent(await readPairingMessage(accounts, deviceAt(request), named)));
    },
  };
}
