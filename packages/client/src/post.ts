/** Requests of somebody whom the server does not know yet. They are not repeated: the server counts them. */
import { utf8Encode } from '@keephold/bytes';
import type { checkJson, Route } from '@keephold/protocol/http';
import { networkError, problemError } from './errors.ts';
import { readChecked } from './read-response.ts';
import { type Answer, type Outgoing, sendByFetch } from './send.ts';

const LIMIT = 60_000;

type JsonRoute = Route & { readonly answer: Extract<Route['answer'], { readonly kind: 'json' }> };
type AnswerTo<R extends JsonRoute> = ReturnType<typeof checkJson<R['answer']['schema']>>;

export interface Posted<T> {
  readonly answer: T;
  /** The server's clock, unix milliseconds; undefined when it does not say. */
  readonly serverTime: number | undefined;
}

/** @throws HttpError */
export async function postJson<R extends JsonRoute>(
  origin: string,
  route: R,
  body?: object,
): Promise<Posted<AnswerTo<R>>> {
  const bytes = body === undefined ? undefined : utf8Encode(JSON.stringify(body));
  const response = await postBytes(origin, route, bytes);
  const time = Date.parse(response.headers.get('date') ?? '');
  const answer = (await readChecked(response, route.answer.schema)) as AnswerTo<R>;
  return { answer, serverTime: Number.isNaN(time) ? undefined : time };
}

/** @throws HttpError */
export async function postBytes(origin: string, { path }: Route, body?: Uint8Array): Promise<Answer> {
  const action = `POST ${path}`;
  const headers: Outgoing['headers'] = body === undefined ? {} : { 'content-type': 'application/octet-stream' };
  const signal = AbortSignal.timeout(LIMIT);
  const request = { url: origin + path, method: 'POST', headers, body, signal };
  const response = await sendByFetch(request).catch((cause: unknown) => {
    throw networkError(action, new URL(origin).host, cause);
  });
  if (!response.ok) throw await problemError(action, response);
  return response;
}
