/**
 * The small files of a repository that nothing but another copy, or whoever made them, can bring back: ways in, keyring,
 * history, keeper's records. Found without keys; the keyring with the password, where it was given.
 */
import { FollowedChain } from '@keephold/engine';
import type { Custody, VaultId } from '@keephold/protocol';
import { recordVerifier, VaultError, walkStoredKeychain } from '@keephold/vault';
import type { Context } from '../context.ts';
import { waysInProblems } from './ways-in.ts';

/** A sentence for each, the file in it. */
export async function damagedRecords(context: Context, custody: Custody): Promise<readonly string[]> {
  const keychain = walkStoredKeychain(await custody.keychain(0));
  const found = new Set<string>();
  for (const { vaultId } of keychain.vaults.values()) {
    for (const { kind, place, what } of await custody.audit(vaultId))
      if (kind === 'damage') found.add(`${place}: ${what}`);
    for (const what of await damagedCommits(custody, vaultId, keychain)) found.add(what);
  }
  for (const what of await damagedKeyring(context, custody)) found.add(what);
  return [...found];
}

async function damagedCommits(
  custody: Custody,
  vaultId: VaultId,
  keychain: ReturnType<typeof walkStoredKeychain>,
): Promise<readonly string[]> {
  const found: string[] = [];
  const onDamage = ({ message }: Error): unknown => found.push(message);
  await new FollowedChain({ custody, vaultId, keychain, verifier: recordVerifier, pin: undefined, onDamage }).head();
  return found;
}

/** A secret that opens nothing is no damage: healing needs none. */
async function damagedKeyring(context: Context, custody: Custody): Promise<readonly string[]> {
  try {
    return (await waysInProblems(context, custody)) ?? [];
  } catch (error) {
    if (!(error instanceof VaultError)) throw error;
    context.out.note(`whether the keyring is sound was not tried: ${error.message}`);
    return [];
  }
}
