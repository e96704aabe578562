/**
 * Requests to one server: proofs, time limits, retries, problems as errors. Follows no redirect: a server that sends a
 * device elsewhere is not believed.
 */
import { utf8Decode } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto';
import { type AccountId, MalformedRecordError } from '@keephold/protocol';
import { type Route, rolesFor } from '@keephold/protocol/http';
import { HttpError, networkError, problemError } from './errors.ts';
import { readBytes } from './read-response.ts';
import { type RetryOptions, retrying } from './retry.ts';
import { type Answer, type Send, sendByFetch } from './send.ts';
import {
  type DeviceCredentials,
  DeviceSession,
  type OpenSession,
  signedHeaders,
  type UnlockedSession,
} from './session.ts';
import { limitStandstill } from './time-limit.ts';

export interface TransportOptions {
  readonly origin: string;
  readonly accountId: AccountId;
  /** Undefined where there is no device yet: only a login acts then. */
  readonly device: DeviceCredentials | undefined;
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

/** Milliseconds in which nothing moves: a pack that waits for others at the server, or all that it deletes at once. */
const LONG_LIMIT = 600_000;
const LIMIT = 120_000;
/** Milliseconds; servers take proofs that are less than a minute off. */
const SKEW_THAT_MATTERS = 30_000;
/** Longer than what opens a session. */
const MOST_JSON = 1024 * 1024;

export class Transport {
  readonly #options: TransportOptions;
  readonly #device: DeviceSession | undefined;
  #unlocked: UnlockedSession | undefined;
  /** Milliseconds that the server's clock is ahead, as its answers say. */
  #skew = 0;

  constructor(options: TransportOptions) {
    this.#options = options;
    const { accountId, device: credentials } = options;
    this.#device =
      credentials &&
      new DeviceSession({
        accountId,
        credentials,
        now: () => this.#now(),
        post: async (path, body) => await this.#post(path, body),
      });
  }

  get accountId(): AccountId {
    return this.#options.accountId;
  }

  /** What a device may not is done with this from now on, until it ends; all else stays with the device. */
  unlock(session: UnlockedSession): void {
    this.#unlocked = session;
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

  /** A session of a device that ended, or that a server forgot, is opened again, once. */
  async #withSession<T>(call: Call<T>): Promise<T | undefined> {
    const skew = this.#skew;
    const session = await this.#sessionFor(call.route);
    try {
      return await this.#attempt(call, session);
    } catch (error) {
      if (!isUnauthenticated(error)) throw error;
      if (session !== this.#unlocked) this.#device?.forget();
      // Where the clock is wrong, the first proof of a run has the wrong time.
      else if (Math.abs(this.#skew - skew) < SKEW_THAT_MATTERS) throw this.#end(call.route);
      return await this.#lastAttempt(call);
    }
  }

  async #lastAttempt<T>(call: Call<T>): Promise<T | undefined> {
    const session = await this.#sessionFor(call.route);
    try {
      return await this.#attempt(call, session);
    } catch (error) {
      throw isUnauthenticated(error) && session === this.#unlocked ? this.#end(call.route) : error;
    }
  }

  #end(route: Route): HttpError {
    this.#unlocked = undefined;
    return ended(route);
  }

  /** As little as is enough: the unlocked one only for what no device may. */
  async #sessionFor(route: Route): Promise<OpenSession> {
    const { action } = route;
    // A change of the keychain ends all sessions but the unlocked one that sent it.
    const isForOwners =
      action !== undefined && (action === 'append-keychain' || !rolesFor[action].includes('backup-only'));
    const unlocked = this.#unlocked;
    const isOpen = unlocked !== undefined && unlocked.validUntil > this.#options.now();
    if (isOpen && (isForOwners || this.#device === undefined)) return unlocked;
    if (this.#device !== undefined) return await this.#device.current();
    throw ended(route);
  }

  async #attempt<T>(
    { route, params, query, body, read, signal }: Call<T>,
    session: OpenSession,
  ): Promise<T | undefined> {
    const { origin, random } = this.#options;
    const target = targetOf(route, params, query);
    const isNamed = route.body?.boundBy === 'name';
    const bodyDigest = body === undefined || isNamed ? undefined : sha256(body);
    const request = { method: route.method, url: origin + target, bodyDigest, now: this.#now(), random };
    const headers = signedHeaders(session, request);
    const isLong = isNamed || route.answer.kind === 'bytes' || route.action === 'delete';
    return await this.#fetch(target, { route, headers, body, limit: isLong ? LONG_LIMIT : LIMIT, signal }, read);
  }

  /** The server's time as far as known. */
  #now(): number {
    return this.#options.now() + this.#skew;
  }

  async #fetch<T>(
    target: string,
    { route, headers, body, limit, signal }: FetchParts,
    read: (response: Answer) => Promise<T>,
  ): Promise<T | undefined> {
    const action = actionOf(route);
    const { origin, send = sendByFetch } = this.#options;
    const time = limitStandstill(limit);
    try {
      const response = await send({
        url: origin + target,
        method: route.method,
        headers: body === undefined ? headers : { ...headers, 'content-type': 'application/octet-stream' },
        body,
        signal: signal === undefined ? time.signal : AbortSignal.any([time.signal, signal]),
        onSent: time.moved,
      });
      this.#learnTime(response);
      if (response.ok) return await read(watched(response, time.moved));
      const problem = await problemError(action, response);
      if (problem.problem === 'not-found' && route.answer.kind === 'bytes') return undefined;
      throw problem;
    } catch (error) {
      if (error instanceof HttpError || error instanceof MalformedRecordError) throw error;
      signal?.throwIfAborted();
      throw networkError(action, new URL(origin).host, error);
    } finally {
      time.end();
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

/** Tells of each piece that comes. */
function watched({ status, ok, headers, readBody }: Answer, onMoved: () => void): Answer {
  return {
    ...{ status, ok, headers },
    readBody: async (onPiece) =>
      await readBody((piece) => {
        onMoved();
        onPiece(piece);
      }),
  };
}

function isUnauthenticated(error: unknown): boolean {
  return error instanceof HttpError && error.problem === 'unauthenticated';
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

function ended(route: Route): HttpError {
  const text = `${actionOf(route)}: the login has ended; the password, or the words, are needed again`;
  return new HttpError('no-permission', text, { problem: 'unauthenticated' });
}
