/** Before there is a device: which server this is, and a new account on it. */
import { fromBase64Url } from '@keephold/bytes';
import { checkJson, encodeGenesisBody, type GenesisBody, routes } from '@keephold/protocol/http';
import { networkError, problemError } from './errors.ts';

const LIMIT = 60_000;

/** 16 bytes; a device signs for this server from then on. */
export async function serverIdOf(origin: string): Promise<Uint8Array> {
  const { path, answer } = routes.challenge;
  const challenge = checkJson(answer.schema, await (await post(origin, path)).json());
  return fromBase64Url(challenge.serverId);
}

/** @throws HttpError 'no-permission' when the invitation is not good */
export async function createAccountOn(origin: string, account: GenesisBody): Promise<void> {
  await post(origin, routes.createAccount.path, encodeGenesisBody(account));
}

async function post(origin: string, path: string, body?: Uint8Array<ArrayBuffer>): Promise<Response> {
  const action = `POST ${path}`;
  const headers = { 'content-type': 'application/octet-stream' };
  const signal = AbortSignal.timeout(LIMIT);
  const sent = body === undefined ? {} : { body, headers };
  const response = await fetch(origin + path, { method: 'POST', redirect: 'error', signal, ...sent }).catch(
    (cause: unknown) => {
      throw networkError(action, new URL(origin).host, cause);
    },
  );
  if (!response.ok) throw await problemError(action, response);
  return response;
}
