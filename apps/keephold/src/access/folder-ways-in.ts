/** Changing the ways into a repository in a folder: slots, and nothing besides. */
import { addPasswordSlot, addWordsSlot, type ChangeSlotsOptions, changePassword } from '@keephold/vault';
import type { Context } from '../context.ts';
import { DeviceStore } from './device-store.ts';
import { PasswordChangeNote } from './password-change.ts';
import type { WaysIn } from './ways-in.ts';

export function folderWaysIn({ environment }: Context, options: ChangeSlotsOptions): WaysIn {
  return {
    changePassword: async (unlocked, password) => {
      const note = new PasswordChangeNote(new DeviceStore(environment, unlocked.accountId).folder);
      await changePassword(unlocked, { ...options, password, intend: (change) => note.begin(change) });
      note.end();
    },
    addPassword: async (unlocked, password) => await addPasswordSlot(unlocked, { ...options, password }),
    addWords: async (unlocked) => await addWordsSlot(unlocked, options),
  };
}
