/** One request and its answer, whoever carries them: `fetch` where there is nothing better, sockets in Node. */
import { streamOf } from './body-stream.ts';

export interface Outgoing {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  /** May be a view of shared memory; not to be read any more once the answer is there or the sending has failed. */
  readonly body: Uint8Array | undefined;
  readonly signal: AbortSignal;
  /** Called when some of the body is on its way. */
  readonly onSent?: () => void;
}

/** What of a `Response` is needed. */
export interface Answer {
  readonly status: number;
  readonly ok: boolean;
  readonly headers: { get(name: string): string | null };
  /**
   * Gives the body, once, piece by piece. What `onPiece` throws ends it and is thrown. No iterator: a pack comes in
   * hundreds of pieces, and a promise for each, in each layer, costs more than all else that is done to receive it.
   */
  readonly readBody: (onPiece: (piece: Uint8Array) => void) => Promise<void>;
}

/** Follows no redirect and fails at one. When the signal ends it, it throws the signal's reason. */
export type Send = (request: Outgoing) => Promise<Answer>;

export const sendByFetch: Send = async ({ url, method, headers, body, signal, onSent }) => {
  const stream = body === undefined ? {} : { body: streamOf(body, onSent), duplex: 'half' };
  const response = await fetch(url, { method, headers, redirect: 'error', signal, ...stream } as RequestInit);
  return {
    ...{ status: response.status, ok: response.ok, headers: response.headers },
    readBody: async (onPiece) => {
      for await (const piece of (response.body ?? []) as AsyncIterable<Uint8Array>) onPiece(piece);
    },
  };
};
