/** What an admin asks of a server. */
import { fromBase64Url, toHex, utf8Encode } from '@keephold/bytes';
import { routes, type schemas } from '@keephold/protocol/http';
import { readChecked, readNothing } from '../read-response.ts';
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

export interface OpenInvitation {
  /** Hexadecimal; no code can be made from it. */
  readonly id: string;
  /** Unix milliseconds. */
  readonly madeAt: number;
  readonly expiresAt: number;
}

/** Those that somebody could use now, oldest first. */
export async function invitationsOf(transport: Transport): Promise<readonly OpenInvitation[]> {
  const { answer } = routes.invitations;
  const answered = await transport.call({
    route: routes.invitations,
    read: async (response: Answer) => await readChecked(response, answer.schema),
  });
  return (answered?.invitations ?? []).map(({ id, ...times }) => ({ id: toHex(fromBase64Url(id)), ...times }));
}

/** @throws HttpError 'not-found' when it was used or withdrawn */
export async function withdrawInvitationOn(transport: Transport, invitation: string): Promise<void> {
  await transport.call({ route: routes.withdrawInvitation, params: { invitation }, read: readNothing });
}

export async function usersOf(transport: Transport): Promise<readonly ServerUser[]> {
  const { answer } = routes.users;
  const read = async (response: Answer): Promise<{ readonly users: readonly ServerUser[] }> =>
    await readChecked(response, answer.schema);
  return (await transport.call({ route: routes.users, read }))?.users ?? [];
}

export interface SuspensionWish {
  /** What its owner signs in with. */
  readonly account: string;
  readonly suspended: boolean;
}

/** @throws HttpError 'refused' when there is no such account, or it is the admin's own */
export async function setSuspensionOn(transport: Transport, wish: SuspensionWish): Promise<void> {
  const body = utf8Encode(JSON.stringify(wish));
  await transport.call({ route: routes.setSuspension, body, read: readNothing });
}

/** Sends a message by every way the server has. */
export async function testNoticesOn(transport: Transport): Promise<void> {
  await transport.call({ route: routes.testNotices, read: readNothing });
}

export type ServerPlan = schemas.AnswerOf<typeof schemas.PlansAnswer>['plans'][number];

export async function plansOf(transport: Transport): Promise<readonly ServerPlan[]> {
  const { answer } = routes.plans;
  const read = async (response: Answer): Promise<{ readonly plans: readonly ServerPlan[] }> =>
    await readChecked(response, answer.schema);
  return (await transport.call({ route: routes.plans, read }))?.plans ?? [];
}

/** Makes it, or changes it for all who have it. */
export async function putPlanOn(transport: Transport, { name, ...plan }: ServerPlan): Promise<void> {
  const body = utf8Encode(JSON.stringify(plan));
  await transport.call({ route: routes.putPlan, params: { plan: name }, body, read: readNothing });
}

/** `account`: what its owner signs in with. @throws HttpError 'refused' when there is no such account or plan */
export async function assignPlanOn(
  transport: Transport,
  gift: { readonly account: string; readonly plan: string },
): Promise<void> {
  const body = utf8Encode(JSON.stringify(gift));
  await transport.call({ route: routes.assignPlan, body, read: readNothing });
}
