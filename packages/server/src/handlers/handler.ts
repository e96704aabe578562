/** What a handler gets and gives: the routes around it have checked who asks, whether they may, and the form. */
import type { Custody } from '@keephold/protocol';
import type { Principal } from '../authority.ts';

export interface Call {
  readonly principal: Principal;
  readonly custody: Custody;
  /** Of the caller. */
  readonly address: string;
  /** As their schemas have them. */
  readonly params: Readonly<Record<string, string | number>>;
  readonly query: Readonly<Record<string, number | undefined>>;
  /** Checked JSON, or undefined. */
  readonly json: unknown;
  /** A raw body; it is only good until the handler is done. */
  readonly bytes: Uint8Array;
}

export type Result =
  | { readonly kind: 'json'; readonly value: object }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'frames'; readonly frames: AsyncIterable<Uint8Array | undefined> }
  | { readonly kind: 'absent' }
  | { readonly kind: 'empty' };

export type Handler = (call: Call) => Promise<Result>;

export const EMPTY: Result = { kind: 'empty' };

export function json(value: object): Result {
  return { kind: 'json', value };
}

export function bytesOrAbsent(bytes: Uint8Array | undefined): Result {
  return bytes === undefined ? { kind: 'absent' } : { kind: 'bytes', bytes };
}

export function frames(list: readonly Uint8Array[]): Result {
  return { kind: 'frames', frames: from(list) };
}

async function* from(list: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* list;
}
