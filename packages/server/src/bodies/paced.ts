/**
 * Bodies that trickle: who sends next to nothing holds memory and a connection that others wait for. It is told so and
 * the connection ends. A slow line is faster than that, and what waits unread for memory is not measured.
 */
import type { IncomingMessage } from 'node:http';
import { ServerError } from '../errors.ts';

export interface Pace {
  /** Milliseconds. */
  readonly window: number;
  /** Bytes that have to come in each window. */
  readonly least: number;
}

/** A modem of 1998, of which each of several transfers at once has a part. */
export const PACE: Pace = { window: 30_000, least: 60_000 };

/** Milliseconds that a body of so many bytes may take: as long as it gets on, and waits once for as long before. */
export function longestBody(length: number, { window, least }: Pace = PACE): number {
  return 2 * Math.ceil(length / least) * window;
}

/** The chunks of a message. @throws ServerError 'too-slow'; what comes after that is not looked at. */
export async function* paced(message: IncomingMessage, { window, least }: Pace): AsyncGenerator<Uint8Array> {
  const stalled = Promise.withResolvers<never>();
  stalled.promise.catch(() => {});
  let received = 0;
  const timer = setInterval(() => {
    if (received < least) stalled.reject(new ServerError('too-slow', 'the body comes too slowly'));
    received = 0;
  }, window);
  // Not ended early: that would close the connection before the answer is on it.
  const chunks = message[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  try {
    for (;;) {
      const next = await Promise.race([chunks.next(), stalled.promise]);
      if (next.done === true) return;
      received += next.value.length;
      yield next.value;
    }
  } finally {
    clearInterval(timer);
  }
}
