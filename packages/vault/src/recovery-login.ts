/**
 * Signing in to a server with the 24 words (security.md §3.9): the words give an Ed25519 key whose public half the server
 * keeps, and a name under which it finds the account, so that the words alone are enough on a blank machine.
 *
 * ```
 * recoveryId = Expand(entropy, LBL("auth/recovery"), 16)
 * authSeed   = Expand(entropy, LBL("auth/recovery") ‖ accountId, 32)
 * ```
 */
import { type Ed25519KeyPair, ed25519FromSeed, expand, expandKey, label, wordsToEntropy } from '@keephold/crypto';
import type { AccountId } from '@keephold/protocol';

/** What the server keeps of the words: nothing that opens anything. */
export interface RecoveryEntry {
  /** 16 bytes. */
  readonly recoveryId: Uint8Array;
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array;
}

export interface RecoveryCredentials {
  readonly recoveryId: Uint8Array;
  /** The key for the account that the server names; another account gets another key, so none can be relayed. */
  keyFor(accountId: AccountId): Ed25519KeyPair;
}

/** @throws InvalidWordsError when these cannot be 24 words. */
export async function recoveryCredentials(words: string | readonly string[]): Promise<RecoveryCredentials> {
  const entropy = await wordsToEntropy(words);
  return {
    recoveryId: expand(entropy, label('auth/recovery'), 16),
    keyFor: (accountId) => ed25519FromSeed(expandKey('Ed25519Seed', entropy, label('auth/recovery'), accountId)),
  };
}

export async function recoveryEntry(words: readonly string[], accountId: AccountId): Promise<RecoveryEntry> {
  const credentials = await recoveryCredentials(words);
  return { recoveryId: credentials.recoveryId, publicKey: credentials.keyFor(accountId).publicKey };
}
