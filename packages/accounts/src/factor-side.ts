/** Codes by time, as the app passes them in: keepers hold no secret and import none (security.md §2). */
import type { AccountId } from '@keephold/protocol';

export interface FactorSide {
  /** A new secret, and what is stored of it. */
  create(accountId: AccountId): Promise<{ readonly secret: Uint8Array; readonly sealed: Uint8Array }>;
  /** The time step that a code of six digits belongs to, now or one step off; undefined when to none of these. */
  stepOf(options: {
    readonly accountId: AccountId;
    readonly sealed: Uint8Array;
    readonly code: string;
    readonly now: number;
  }): Promise<number | undefined>;
}
