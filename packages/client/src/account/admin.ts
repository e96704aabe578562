/** What an admin asks of a server. */
import { utf8Encode } from '@keephold/bytes';
import { routes, type schemas } from '@keephold/protocol/http';
import { readChecked } from '../read-response.ts';
import type { Answer } from '../send.ts';
import type { Transport } from '../transport.ts';

export type ServerUser = schemas.AnswerOf<typeof schemas.UsersAnswer>['users'][number];

export interface ServerInvitation {
  readonly code: string;
  /** Unix milliseconds. */
  readonly expiresAt: number;
}

export async function inviteTo(transport: Transport, days: number): Promise<ServerInvitation> {
  const { answer } = routes.invite;
  const body = utf8Encode(JSON.stringify({ days }));
  const read = async (response: Answer): Promise<ServerInvitation> => await readChecked(response, answer.schema);
  return (await transport.call({ route: routes.invite, body, read })) as ServerInvitation;
}

export async function usersOf(transport: Transport): Promise<readonly ServerUser[]> {
  const { answer } = routes.users;
  const read = async (response: Answer): Promise<{ readonly users: readonly ServerUser[] }> =>
    await readChecked(response, answer.schema);
  return (await transport.call({ route: routes.users, read }))?.users ?? [];
}
