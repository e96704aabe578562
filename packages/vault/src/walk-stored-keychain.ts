/** The keychain as a keeper gives it, walked from genesis; an entry that rotted is told by its name. */
import { advanceKeychain, ChainError, isKeychainDamage, type KeychainState, startKeychain } from '@keephold/protocol';
import { AccountFaultError } from './errors.ts';
import { recordVerifier } from './record-verifier.ts';

/**
 * @throws AccountFaultError 'keychain-damaged'; ForkError, ChainError as the walk itself.
 */
export function walkStoredKeychain(entries: readonly Uint8Array[]): KeychainState {
  let state: KeychainState | undefined;
  for (const [seq, bytes] of entries.entries()) {
    try {
      state =
        state === undefined ? startKeychain(bytes, recordVerifier) : advanceKeychain(state, bytes, recordVerifier);
    } catch (cause) {
      if (!isKeychainDamage(cause)) throw cause;
      // Its name in a folder, format.md §10.
      const place = `account/keychain/${String(seq).padStart(10, '0')}`;
      throw new AccountFaultError('keychain-damaged', `read ${place}: ${cause.message}`, { cause });
    }
  }
  if (state === undefined) throw new ChainError('gap', 'read keychain: there is no entry');
  return state;
}
