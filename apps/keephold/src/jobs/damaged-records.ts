/**
 * The small files of a repository that nothing but another copy, or whoever made them, can bring back: ways in, keyring,
 * history, keeper's records, snapshot objects. Found without keys; the keyring with the password, where it was given.
 */
import { toHex } from '@keephold/bytes';
import { FollowedChain } from '@keephold/engine';
import type { Custody, VaultId } from '@keephold/protocol';
import { recordVerifier, VaultError, walkStoredKeychain } from '@keephold/vault';
import { isNamed } from '../access/session-copies.ts';
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
    for (const what of await lostSnapshots(custody, vaultId)) found.add(what);
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

const OBJECTS_AT_ONCE = 64;

/** Of those that are kept. Nothing but a copy has what such an object said. */
async function lostSnapshots(custody: Custody, vaultId: VaultId): Promise<readonly string[]> {
  const kept = (await custody.snapshots(vaultId)).filter(({ state }) => state !== 'expired');
  const lost: string[] = [];
  for (let at = 0; at < kept.length; at += OBJECTS_AT_ONCE) {
    const some = kept.slice(at, at + OBJECTS_AT_ONCE);
    const stored = await custody.getObjects(
      vaultId,
      some.map(({ object }) => object),
    );
    for (const [i, { seq, object }] of some.entries())
      if (!isNamed(stored[i], object)) lost.push(`snapshot #${seq}: object ${toHex(object)} is missing or damaged`);
  }
  return lost;
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
