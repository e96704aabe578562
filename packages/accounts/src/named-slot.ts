/** What is stored for a way in must be one that the account's keychain names: else nobody could open with it. */
import { equalBytes, toHex } from '@keephold/bytes';
import type { KeychainState, SlotMethod } from '@keephold/protocol';

export interface SlotToFind {
  readonly slotId: Uint8Array;
  readonly method: SlotMethod;
  /** SHA-256 of the record, where there is one here. */
  readonly hash?: Uint8Array;
}

export function namesSlot(keychain: KeychainState, { slotId, method, hash }: SlotToFind): boolean {
  const slot = keychain.slots.get(toHex(slotId));
  if (slot === undefined || slot.removed || slot.method !== method) return false;
  return hash === undefined || equalBytes(slot.recordHash, hash);
}
