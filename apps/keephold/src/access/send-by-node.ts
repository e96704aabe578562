/**
 * Requests to a server by Node's own HTTP: a body goes from where it lies to the socket, shared memory included, and
 * connections are used again. `fetch` would copy every pack twice.
 */
import { type ClientRequest, Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { finished } from 'node:stream';
import { type PacedWrite, Pacer, type WriteLimit } from '@keephold/backend';
import type { Answer, Outgoing, Send } from '@keephold/client';

/** As many as there are transfers at once, and some for short calls. */
const CONNECTIONS = 16;
/** Of a body, written at once: by a line of 16 kbit/s it is gone in nine minutes. */
const PIECE = 1024 * 1024;
/** Shorter bodies are not held to a limit: somebody waits for them. */
const SHORT = 65_536;

/** `limit`: of what is sent in bodies that are not short, together. */
export function sendByNode(limit?: WriteLimit): Send {
  const pacer = limit && new Pacer(limit);
  const http = new HttpAgent({ keepAlive: true, maxSockets: CONNECTIONS });
  const https = new HttpsAgent({ keepAlive: true, maxSockets: CONNECTIONS });
  return async (outgoing) => {
    try {
      const agent = outgoing.url.startsWith('https:') ? https : http;
      const isPaced = (outgoing.body?.length ?? 0) > SHORT && pacer !== undefined;
      const answer = isPaced ? await pacedExchange(outgoing, agent, pacer) : await exchange(outgoing, agent);
      return answerOf(answer, outgoing.signal);
    } catch (error) {
      throw reasonOf(outgoing.signal, error);
    }
  };
}

function started(outgoing: Outgoing, agent: HttpAgent): ClientRequest {
  const { url, method, headers, body, signal } = outgoing;
  const start = agent instanceof HttpsAgent ? requestHttps : requestHttp;
  const length = body === undefined ? {} : { 'content-length': body.length };
  return start(url, { method, headers: { ...headers, ...length }, agent, signal });
}

/** It waits for its turn before it begins: a server has no patience with who says nothing. */
async function pacedExchange(outgoing: Outgoing, agent: HttpAgent, pacer: Pacer): Promise<IncomingMessage> {
  const { body = new Uint8Array(), signal, onSent } = outgoing;
  const paced = pacer.begin(body.length);
  try {
    const first = Math.min(paced.pieceLength(), body.length);
    await paced.pace(first, { signal, onWait: onSent });
    const sending = started(outgoing, agent);
    const answer = new Promise<IncomingMessage>((resolve, reject) => {
      sending.on('response', resolve);
      sending.on('error', reject);
    });
    // One that is answered early is not sent to its end.
    const sent = writePaced(sending, outgoing, { paced, first }).catch((error: unknown) => {
      sending.destroy(error as Error);
    });
    const answered = await answer;
    paced.end();
    void sent;
    return answered;
  } finally {
    paced.end();
  }
}

async function writePaced(
  sending: ClientRequest,
  { body = new Uint8Array(), signal, onSent }: Outgoing,
  { paced, first }: { readonly paced: PacedWrite; readonly first: number },
): Promise<void> {
  for (let [at, length] = [0, first]; ; ) {
    const piece = Buffer.from(body.buffer, body.byteOffset + at, length);
    at += length;
    if (sending.destroyed) return;
    if (at === body.length) return void sending.end(piece);
    // When it is gone: what the system takes at once is little beside what it would hold of a whole body.
    await new Promise<void>((resolve) => {
      sending.write(piece, () => resolve());
    });
    onSent?.();
    length = Math.min(paced.pieceLength(), body.length - at);
    await paced.pace(length, { signal, onWait: onSent });
  }
}

function exchange(outgoing: Outgoing, agent: HttpAgent): Promise<IncomingMessage> {
  const { body } = outgoing;
  return new Promise((resolve, reject) => {
    const sending = started(outgoing, agent);
    sending.on('response', resolve);
    // A server that has answered may close before it has taken all: the answer counts.
    sending.on('error', reject);
    if (body === undefined) sending.end();
    else writePieces(sending, body, outgoing.onSent);
  });
}

/** The next piece when the one before is gone, so that it shows whether a line still moves. No piece is copied. */
function writePieces(sending: ClientRequest, body: Uint8Array, onSent: Outgoing['onSent']): void {
  let at = 0;
  const next = (): void => {
    onSent?.();
    const length = Math.min(PIECE, body.length - at);
    const piece = Buffer.from(body.buffer, body.byteOffset + at, length);
    at += length;
    if (at === body.length) sending.end(piece);
    else
      sending.write(piece, (error) => {
        if (!(error instanceof Error)) next();
      });
  };
  next();
}

function answerOf(message: IncomingMessage, signal: AbortSignal): Answer {
  const { statusCode: status = 0, headers } = message;
  if (status >= 300 && status < 400) {
    message.destroy();
    throw new TypeError('the server sends elsewhere, and is not followed');
  }
  return {
    status,
    ok: status >= 200 && status < 300,
    headers: { get: (name) => textOf(headers[name]) },
    readBody: async (onPiece) => await readBody(message, signal, onPiece),
  };
}

function textOf(value: string | readonly string[] | undefined): string | null {
  return typeof value === 'string' ? value : (value?.join(', ') ?? null);
}

async function readBody(
  message: IncomingMessage,
  signal: AbortSignal,
  onPiece: (piece: Uint8Array) => void,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let refused: { readonly reason: unknown } | undefined;
  finished(message, { writable: false }, (error) => {
    if (refused !== undefined) reject(refused.reason);
    else if (error) reject(reasonOf(signal, error));
    else resolve();
  });
  message.on('data', ({ buffer, byteOffset, byteLength }: Buffer) => {
    try {
      // No Buffer: its slices are not copies.
      onPiece(new Uint8Array(buffer, byteOffset, byteLength));
    } catch (reason) {
      refused = { reason };
      message.destroy();
    }
  });
  await promise;
}

function reasonOf(signal: AbortSignal, error: unknown): unknown {
  return signal.aborted ? signal.reason : error;
}
