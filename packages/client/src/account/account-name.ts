/** What an account is called on its server, and what the server is called. */
import { fromBase64Url } from '@keephold/bytes';
import { routes } from '@keephold/protocol/http';
import { postJson } from '../post.ts';
import { readChecked } from '../read-response.ts';
import type { Answer } from '../send.ts';
import type { Transport } from '../transport.ts';

/** What its owner signs in with, beside the password. */
export async function accountNameOn(transport: Transport): Promise<string> {
  const { answer } = routes.account;
  const read = async (response: Answer): Promise<{ readonly name: string }> =>
    await readChecked(response, answer.schema);
  return (await transport.call({ route: routes.account, read }))?.name ?? '';
}

/** 16 bytes; as the server says, to be compared with the event key of the account. */
export async function serverIdOf(origin: string): Promise<Uint8Array> {
  return fromBase64Url((await postJson(origin, routes.challenge)).answer.serverId);
}
