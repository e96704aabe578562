/** What a route is, as data; the tables are in routes.ts and account-routes.ts. */
import type { TSchema } from 'typebox';
import { LARGEST_JSON, LARGEST_RECORD } from './limits.ts';

/** What a route does to an account, for the table of roles. */
export type Action =
  | 'write' // session, packs, objects, commits
  | 'read-own-vault' // what lies in a vault, sealed: also a device that only backs up needs it
  | 'read-keychain'
  | 'append-keychain' // entries are signed by the identity key: who sends them does not matter
  | 'read-ways-in' // slots, keyring, grants
  | 'change-ways-in'
  | 'delete' // trash, collect
  | 'cancel-delete'
  | 'hold' // stops deletion; only an entry of the keychain lets it go on
  | 'enrol' // carries the messages between an app and a device that it adds
  | 'administer'; // the server, not what it keeps; admins alone

/** Raw bodies are bytes (`application/octet-stream`); `frames` are several byte strings (frames.ts). */
export type Answer =
  | { readonly kind: 'json'; readonly schema: TSchema }
  | { readonly kind: 'bytes' | 'frames' }
  | { readonly kind: 'empty' };

export interface RouteBody {
  readonly kind: 'json' | 'bytes';
  readonly schema?: TSchema;
  /** Bytes. */
  readonly limit: number;
  /** named: the path has its SHA-256. digest: its Content-Digest is in the proof. */
  readonly boundBy: 'name' | 'digest';
}

export interface Route {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Placeholders as `:vault`. */
  readonly path: string;
  /** Undefined: open to strangers. */
  readonly action: Action | undefined;
  /** Only with the password, or the words, of less than five minutes ago (security.md §5). */
  readonly stepUp?: true;
  /** Brings something new in: not for an account that is suspended. */
  readonly stores?: true;
  readonly summary: string;
  readonly params?: TSchema;
  readonly query?: TSchema;
  readonly body?: RouteBody;
  readonly answer: Answer;
}

export const EMPTY: Answer = { kind: 'empty' };
export const BYTES: Answer = { kind: 'bytes' };
export const FRAMES: Answer = { kind: 'frames' };

export function json<S extends TSchema>(of: S): { readonly kind: 'json'; readonly schema: S } {
  return { kind: 'json', schema: of };
}
export function jsonBody(of: TSchema): RouteBody {
  return { kind: 'json', schema: of, limit: LARGEST_JSON, boundBy: 'digest' };
}
export function record(limit: number = LARGEST_RECORD): RouteBody {
  return { kind: 'bytes', limit, boundBy: 'digest' };
}
export function named(limit: number): RouteBody {
  return { kind: 'bytes', limit, boundBy: 'name' };
}
