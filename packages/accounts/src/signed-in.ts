import type { AccountId } from '@keephold/protocol';
import type { SignInMethod } from './unlocked-sessions.ts';

/** Whoever shows this key acts for the account, as one who knows its password or words. */
export interface SignedIn {
  readonly accountId: AccountId;
  /** Ed25519, public. */
  readonly sessionKey: Uint8Array;
  readonly method: SignInMethod;
}
