/** Where an owner is told of what happens. */
import { utf8Encode } from '@keephold/bytes';
import { routes, schemas } from '@keephold/protocol/http';
import { readChecked, readNothing } from '../read-response.ts';
import type { Answer } from '../send.ts';
import type { Transport } from '../transport.ts';

export type NoticeChoice = schemas.NoticeChoice;
/** All there is to be told of. */
export const noticeChoices: readonly NoticeChoice[] = schemas.noticeChoices;
export type NoticeSettings = schemas.AnswerOf<typeof schemas.NoticesAnswer>;

/** Undefined: the server knows nothing of this. */
export async function noticesOf(transport: Transport): Promise<NoticeSettings | undefined> {
  const { answer } = routes.notices;
  const read = async (response: Answer): Promise<NoticeSettings> => await readChecked(response, answer.schema);
  return await transport.call({ route: routes.notices, read });
}

/** What is not named stays. @throws HttpError 'refused' where the server sends no mail */
export async function setNotices(transport: Transport, wish: schemas.NoticesBody): Promise<void> {
  await transport.call({ route: routes.setNotices, body: utf8Encode(JSON.stringify(wish)), read: readNothing });
}

/** @throws HttpError 'refused' when it is not the code that was mailed */
export async function confirmNotices(transport: Transport, code: string): Promise<void> {
  await transport.call({ route: routes.confirmNotices, body: utf8Encode(JSON.stringify({ code })), read: readNothing });
}
