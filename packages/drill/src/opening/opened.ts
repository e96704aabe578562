/** What comes of opening a file. */
import type { Format } from './format.ts';

/** Bounds of one opening. */
export interface OpeningLimits {
  /** Bytes that may come out of decompressing, all parts of the file together. */
  readonly inflated: number;
}

export const OPENING_LIMITS: OpeningLimits = { inflated: 1 << 30 };

/** What an opener did with a file that is whole. */
export interface Done {
  /** In words: what was read, and what it is not. */
  readonly did: string;
  /** False when a limit ended it early: so far it is whole. */
  readonly toTheEnd: boolean;
}

export type Opening =
  | ({ readonly kind: 'opened'; readonly format: Format } & Done)
  | { readonly kind: 'broken'; readonly format: Format; readonly reason: string }
  /** It could not be judged. */
  | { readonly kind: 'undecided'; readonly format: Format | undefined; readonly reason: string }
  /** Of no format that is known here. */
  | { readonly kind: 'unknown' };
