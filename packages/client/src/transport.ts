/**
 * Requests to one server: proofs, time limits, retries, problems as errors. Follows no redirect: a server that sends a
 * device elsewhere is not believed.
 */
import { utf8Decode } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto';
import { MalformedRecordError } from '@keephold/protocol';
import type { Route } from '@keephold/protocol/http';
import { HttpError, networkError, problemError } from './errors.ts';
import { readBytes } from './read-response.ts';
import { type RetryOptions, retrying } from './retry.ts';
import { type Answer, type Send, sendByFetch } from './send.ts';
import { type DeviceCredentials, Session } from './session.ts';

export interface TransportOptions {
  readonly origin: string;
  readonly credentials: DeviceCredentials;
  readonly now: () => number;
  readonly random: (length: number) => Uint8Array;
  readonly wait: RetryOptions['wait'];
  /** `fetch` without it. */
  readonly send?: Send;
}

export interface Call<T> {
  readonly route: Route;
  /** Values of the placeholders, each a plain word. */
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, number>>;
  readonly body?: Uint8Array;
  /** Ends the call, between two tries too. */
  readonly signal?: AbortSignal;
  /** Undefined: the server has no such thing. */
  readonly read: (response: Answer) => Promise<T>;
}

/** A pack by a line of 250 kbit/s; anything else is short. */
const PACK_LIMIT = 600_000;
const LIMIT = 120_000;
/** Longer than what opens a session. */
const MOST_JSON = 1024 * 1024;

export class Transport {
  readonly #options: TransportOptions;
  readonly #session: Session;
  /** Milliseconds that the server's clock is ahead, as its answers say. */
  #skew = 0;

  constructor(options: TransportOptions) {
    this.#options = options;
    const { origin, credentials, random } = options;
    this.#session = new Session({
      origin,
      credentials,
      random,
      now: () => options.now() + this.#skew,
      post: async (path, body) => await this.#post(path, body),
    });
  }

  /** Answers undefined when there is nothing there. */
  async call<T>(call: Call<T>): Promise<T | undefined> {
    const { signal } = call;
    const attempt = async (): Promise<T | undefined> => {
      signal?.throwIfAborted();
      return await this.#withSession(call);
    };
    return await retrying(attempt, { ...this.#retry(), ...(signal !== undefined && { signal }) });
  }

  /** A session that ended or that a server forgot is opened again, once. */
  async #withSession<T>(call: Call<T>): Promise<T | undefined> {
    try {
      return await this.#attempt(call);
    } catch (error) {
      if (!(error instanceof HttpError) || error.problem !== 'unauthenticated') throw error;
      this.#session.forget();
      return await this.#attempt(call);
    }
  }

  async #attempt<T>({ route, params, query, body, read, signal }: Call<T>): Promise<T | undefined> {
    const target = targetOf(route, params, query);
    const isNamed = route.body?.boundBy === 'name';
    const digest = body === undefined || isNamed ? undefined : sha256(body);
    const headers = await this.#session.headers(route.method, target, digest);
    const limit = isNamed || route.answer.kind === 'bytes' ? PACK_LIMIT : LIMIT;
    return await this.#fetch(target, { route, headers, body, limit, signal }, read);
  }

  async #fetch<T>(
    target: string,
    { route, headers, body, limit, signal }: FetchParts,
    read: (response: Answer) => Promise<T>,
  ): Promise<T | undefined> {
    const action = actionOf(route);
    const { origin, send = sendByFetch } = this.#options;
    try {
      const response = await send({
        url: origin + target,
        method: route.method,
        headers: body === undefined ? headers : { ...headers, 'content-type': 'application/octet-stream' },
        body,
        signal: AbortSignal.any([AbortSignal.timeout(limit), ...(signal === undefined ? [] : [signal])]),
      });
      this.#learnTime(response);
      if (response.ok) return await read(response);
      const problem = await problemError(action, response);
      if (problem.problem === 'not-found' && route.answer.kind === 'bytes') return undefined;
      throw problem;
    } catch (error) {
      if (error instanceof HttpError || error instanceof MalformedRecordError) throw error;
      signal?.throwIfAborted();
      throw networkError(action, new URL(origin).host, error);
    }
  }

  async #post(path: string, body: object | undefined): Promise<unknown> {
    const route: Route = { method: 'POST', path, action: undefined, summary: '', answer: { kind: 'empty' } };
    const bytes = body === undefined ? undefined : new TextEncoder().encode(JSON.stringify(body));
    return await this.#fetch(path, { route, headers: {}, body: bytes, limit: LIMIT }, async (response) => {
      return JSON.parse(utf8Decode(await readBytes(response, MOST_JSON))) as unknown;
    });
  }

  /** A clock that is a day off must not keep a device from backing up. */
  #learnTime({ headers }: Answer): void {
    const theirs = Date.parse(headers.get('date') ?? '');
    if (!Number.isNaN(theirs))
      this.#skew = Math.abs(theirs - this.#options.now()) < 5000 ? 0 : theirs - this.#options.now();
  }

  #retry(): RetryOptions {
    const { wait, random } = this.#options;
    return { wait, random: () => (random(1)[0] as number) / 256 };
  }
}

interface FetchParts {
  readonly route: Route;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | undefined;
  readonly limit: number;
  readonly signal?: AbortSignal | undefined;
}

function targetOf(route: Route, params: Call<unknown>['params'], query: Call<unknown>['query']): string {
  const path = route.path.replace(/:(\w+)/g, (_, name: string) => params?.[name] ?? '');
  const pairs = Object.entries(query ?? {}).map(([name, value]) => `${name}=${value}`);
  return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`;
}

function actionOf({ method, path }: Route): string {
  return `${method} ${path}`;
}
