/** Who may do what (security.md §3.3), as both sides read it: the server refuses by it, a client picks its session by it. */
import type { Action } from './route.ts';

/** backup-only, trusted: a device as the keychain has it. unlocked: who has just shown the password or the 24 words. */
export type Role = 'backup-only' | 'trusted' | 'unlocked';

/** So old an unlocked session may be for what needs a step-up. Milliseconds. */
export const STEP_UP_LIFETIME: number = 5 * 60_000;

const everyone: readonly Role[] = ['backup-only', 'trusted', 'unlocked'];

/** A row missing is a type error; nothing is allowed that does not stand here. */
export const rolesFor: Readonly<Record<Action, readonly Role[]>> = {
  write: everyone,
  'read-own-vault': everyone,
  'read-keychain': everyone,
  'append-keychain': everyone,
  'read-ways-in': ['trusted', 'unlocked'],
  'change-ways-in': ['unlocked'],
  delete: ['unlocked'],
  'cancel-delete': everyone,
  hold: everyone,
  enrol: ['unlocked'],
  administer: ['unlocked'],
};
