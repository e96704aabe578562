/** Changing password and words of an account on a server: what the server keeps of them changes with their slots. */
import { addRecoveryKey, registerPassword } from '@keephold/client';
import type { Custody } from '@keephold/protocol';
import { addWordsSlot, type ChangeSlotsOptions, changeServerPassword, listSlots, recoveryEntry } from '@keephold/vault';
import { UsageError } from '../errors.ts';
import { ServerCustody } from './server-custody.ts';
import type { WaysIn } from './ways-in.ts';

export function serverWaysIn(custody: Custody, options: ChangeSlotsOptions): WaysIn {
  if (!(custody instanceof ServerCustody)) throw new TypeError('change ways in: the keeper is no server');
  const { transport, account } = custody;
  return {
    changePassword: async (unlocked, password) => {
      const { serverId } = account;
      const { exportKey, cost, replace } = await registerPassword(transport, { password, serverId });
      await changeServerPassword(unlocked, { ...options, exportKey, cost, replace });
    },
    addPassword: () => {
      throw new UsageError('an account on a server has one password', 'keephold keys password changes it');
    },
    addWords: async (unlocked) => {
      const grown = await addWordsSlot(unlocked, options);
      const slot = listSlots(grown.unlocked.keychain).at(-1);
      if (slot === undefined) throw new TypeError('add words: the keychain does not have them');
      const entry = await recoveryEntry(grown.words, unlocked.accountId);
      await addRecoveryKey(transport, { ...entry, slotId: slot.slotId });
      return grown;
    },
  };
}
