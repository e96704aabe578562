/**
 * Brings a change of the password that was cut short to one of its ends. Between the entry that adds the new slot and the
 * one that removes the old, both passwords open the account; nothing in the keychain tells that from two passwords that
 * somebody wants. So who changes the password writes down first what is about to happen, beside the device's keys.
 */
import { equalBytes } from '@keephold/bytes';
import { activeSlots } from '@keephold/protocol';
import { type ChangeSlotsOptions, type PasswordChange, removeSlot } from './change-slots.ts';
import type { Unlocked } from './unlocked.ts';

/** nothing: it had come to an end, or had not begun. */
export type PasswordChangeEnd = 'finished' | 'undone' | 'nothing';

export interface SettledChange {
  readonly unlocked: Unlocked;
  readonly end: PasswordChangeEnd;
}

/**
 * The password that was given now stays: it is known to work and to be known. With anything else – the words, a third
 * password – the change is finished as it was meant. Can be repeated after a crash.
 */
export async function settlePasswordChange(
  unlocked: Unlocked,
  { added, replaced }: PasswordChange,
  options: ChangeSlotsOptions,
): Promise<SettledChange> {
  const active = activeSlots(unlocked.keychain).map(({ slotId }) => slotId);
  const isActive = (slotId: Uint8Array): boolean => active.some((one) => equalBytes(one, slotId));
  if (!isActive(added)) {
    await options.custody.removeSlot(added);
    return { unlocked, end: 'nothing' };
  }
  const old = replaced.filter(isActive);
  if (old.length === 0) return { unlocked, end: 'nothing' };
  const isOldGiven = old.some((slotId) => equalBytes(slotId, unlocked.slotId));
  let settled = unlocked;
  for (const slotId of isOldGiven ? [added] : old) settled = await removeSlot(settled, slotId, options);
  return { unlocked: settled, end: isOldGiven ? 'undone' : 'finished' };
}
