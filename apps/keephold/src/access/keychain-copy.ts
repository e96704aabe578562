/** Lets a repository whose keychain is damaged be used by a machine that has seen that keychain. */
import type { KeychainCopy } from '@keephold/custody';
import type { Environment } from '../environment.ts';
import type { Output } from '../terminal/output.ts';
import { KeychainFile } from './keychain-file.ts';

/** Each entry is told once a run, however often the repository is opened. */
export function keychainCopyOf(environment: Pick<Environment, 'folders'>, out: Pick<Output, 'warn'>): KeychainCopy {
  const told = new Set<string>();
  return {
    load: (account) => new KeychainFile(environment, account).load(),
    onUsed: (place) => {
      if (told.has(place)) return;
      told.add(place);
      out.warn(
        `${place} is damaged or missing, and what this machine has seen of it is used; keephold heal writes it back`,
      );
    },
  };
}
