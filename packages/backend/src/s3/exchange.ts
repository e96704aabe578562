/** One HTTP request and its answer over a connection that is used again. It knows nothing of S3 and never retries. */
import { once } from 'node:events';
import type { ClientRequest, Agent as HttpAgent, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';
import type { PutOptions } from '../backend.ts';

/** Small enough that a limit of some hundred KB/s is smooth. */
const PACED_PIECE = 64 * 1024;
/** An answer that is no object: a page of 1,000 names with their escapes is below 2 MiB. */
const LARGEST_TEXT = 8 * 1024 * 1024;
/** Slower than this for a whole body counts as stuck, however steadily it trickles. */
const SLOWEST_BYTES_PER_MILLISECOND = 16;

export interface Exchange {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'DELETE';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Takes the bytes of a successful answer; without it they are collected. */
  readonly into?: Uint8Array;
  readonly options?: Pick<PutOptions, 'pace' | 'signal'>;
  /** Milliseconds without a byte in either direction after which the exchange fails. */
  readonly patience: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** A view of `into` when that took it. */
  readonly body: Uint8Array;
}

/**
 * Not imported: every command would load them, and an import evaluates all that they export, a whole WebSocket client
 * among it. That is a quarter of the time in which a command on a folder starts.
 */
const http = (): typeof import('node:http') => process.getBuiltinModule('node:http');
const https = (): typeof import('node:https') => process.getBuiltinModule('node:https');

export class Connections {
  readonly #http: HttpAgent;
  readonly #https: HttpsAgent;

  constructor(maxSockets: number) {
    const options = { keepAlive: true, maxSockets, scheduling: 'lifo' } as const;
    this.#http = new (http().Agent)(options);
    this.#https = new (https().Agent)(options);
  }

  /** Rejects with what the connection said, or with the reason of an abort that came before the last byte was sent. */
  async exchange(what: Exchange): Promise<Answer> {
    what.options?.signal?.throwIfAborted();
    const request = this.#open(what);
    // A connection that breaks after the answer began fails here and in the reading of it: that reports it.
    request.on('error', () => undefined);
    const limit = setTimeout(() => request.destroy(new Error('it takes too long')), timeLimit(what));
    try {
      return await answerTo(request, what);
    } catch (error) {
      request.destroy();
      throw error;
    } finally {
      clearTimeout(limit);
    }
  }

  close(): void {
    this.#http.destroy();
    this.#https.destroy();
  }

  #open({ url, method, headers, body }: Exchange): ClientRequest {
    const all = body === undefined ? headers : { ...headers, 'content-length': String(body.length) };
    return url.protocol === 'https:'
      ? https().request(url, { method, headers: all, agent: this.#https })
      : http().request(url, { method, headers: all, agent: this.#http });
  }
}

function timeLimit({ body, into, options, patience }: Exchange): number {
  // A paced write takes as long as its pace: setTimeout's own maximum.
  if (options?.pace !== undefined) return 2 ** 31 - 1;
  return 2 * patience + ((body?.length ?? 0) + (into?.length ?? LARGEST_TEXT)) / SLOWEST_BYTES_PER_MILLISECOND;
}

async function answerTo(request: ClientRequest, what: Exchange): Promise<Answer> {
  const responded = responseOf(request);
  const sent = send(request, what).then(async () => await responded);
  // Whichever settles second has nobody listening any more.
  sent.catch(() => undefined);
  responded.catch(() => undefined);
  const response = await Promise.race([responded, sent]);
  const status = response.statusCode ?? 0;
  const isObject = status === 200 || status === 206;
  const body = await readBody(response, isObject ? what.into : undefined, what.method);
  // Answered before everything was sent: the rest must not be read from memory that its owner uses again.
  if (!request.writableFinished) request.destroy();
  return { status, headers: response.headers, body };
}

async function responseOf(request: ClientRequest): Promise<IncomingMessage> {
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return response;
}

async function send(request: ClientRequest, { body, options, patience }: Exchange): Promise<void> {
  const impatient = (): unknown =>
    request.setTimeout(patience, () => request.destroy(new Error(`nothing moved for ${patience / 1000} s`)));
  const { pace, signal } = options ?? {};
  if (pace === undefined) impatient();
  const abort = (): unknown => request.destroy(signal?.reason instanceof Error ? signal.reason : new Error('aborted'));
  signal?.addEventListener('abort', abort);
  try {
    const piece = pace === undefined ? Number.POSITIVE_INFINITY : PACED_PIECE;
    for (let at = 0; body !== undefined && at < body.length; at += piece) {
      const part = body.subarray(at, Math.min(body.length, at + piece));
      await pace?.(part.length);
      signal?.throwIfAborted();
      if (!request.write(part)) await once(request, 'drain');
    }
    signal?.throwIfAborted();
  } finally {
    // From here on the store may have made the name: its answer decides.
    signal?.removeEventListener('abort', abort);
  }
  if (pace !== undefined) impatient();
  request.end();
}

async function readBody(response: IncomingMessage, into: Uint8Array | undefined, method: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    if (into !== undefined) {
      if (length + chunk.length > into.length) throw new Error('the answer is longer than what was asked for');
      into.set(chunk, length);
    } else {
      if (length + chunk.length > LARGEST_TEXT && isText(response)) throw new Error('the answer is too long');
      parts.push(chunk);
    }
    length += chunk.length;
  }
  const promised = response.headers['content-length'];
  if (method !== 'HEAD' && promised !== undefined && Number(promised) !== length) throw new Error('the answer was cut');
  return into === undefined ? new Uint8Array(Buffer.concat(parts)) : into.subarray(0, length);
}

function isText(response: IncomingMessage): boolean {
  return response.statusCode !== 200 || (response.headers['content-type'] ?? '').includes('xml');
}
