/**
 * Requests to a server by Node's own HTTP: a body goes from where it lies to the socket, shared memory included, and
 * connections are used again. `fetch` would copy every pack twice.
 */
import { type ClientRequest, Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { finished } from 'node:stream';
import type { Answer, Outgoing, Send } from '@keephold/client';

/** As many as there are transfers at once, and some for short calls. */
const CONNECTIONS = 16;
/** Of a body, written at once: by a line of 16 kbit/s it is gone in nine minutes. */
const PIECE = 1024 * 1024;

export function sendByNode(): Send {
  const http = new HttpAgent({ keepAlive: true, maxSockets: CONNECTIONS });
  const https = new HttpsAgent({ keepAlive: true, maxSockets: CONNECTIONS });
  return async (outgoing) => {
    try {
      const isSecure = outgoing.url.startsWith('https:');
      return answerOf(await exchange(outgoing, isSecure ? https : http), outgoing.signal);
    } catch (error) {
      throw reasonOf(outgoing.signal, error);
    }
  };
}

function exchange(outgoing: Outgoing, agent: HttpAgent): Promise<IncomingMessage> {
  const { url, method, headers, body, signal } = outgoing;
  const start = agent instanceof HttpsAgent ? requestHttps : requestHttp;
  const length = body === undefined ? {} : { 'content-length': body.length };
  return new Promise((resolve, reject) => {
    const sending = start(url, { method, headers: { ...headers, ...length }, agent, signal });
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
