/**
 * Commits at the end of a chain whose files are damaged. Nothing tells their hashes, so nothing can be written after
 * them: either the very bytes come back from a machine that has seen them (put-back-commit.ts), or the owner gives them
 * up.
 */
import { sha256 } from '@keephold/crypto/verify';
import { isHashKnown, type VaultId } from '@keephold/protocol';
import { asCustodyError } from '../custody-failure.ts';
import { chainName, damagedCommitName } from '../layout.ts';
import type { VaultTransaction } from '../ledger/vault-transaction.ts';
import { type FolderSide, openSide, vaultsOf } from './folder-side.ts';

/** Sets them aside, so that the next commit takes their place. Answers their numbers, ascending. */
export async function setAsideUnreadTail(path: string): Promise<readonly number[]> {
  try {
    const side = await openSide(path);
    const seqs: number[] = [];
    try {
      for (const vault of await vaultsOf(side)) {
        await side.ledger.rebuild(vault);
        await side.ledger.rebuild(vault, async (transaction) => {
          seqs.push(...(await setAside(side, vault, transaction)));
        });
      }
    } finally {
      await side.ledger.close();
    }
    return seqs;
  } catch (error) {
    throw asCustodyError(error);
  }
}

/** The last first: what a crash leaves is a chain with a shorter end that cannot be read. */
async function setAside(
  { backend }: FolderSide,
  vault: VaultId,
  { ledger, chain }: VaultTransaction,
): Promise<readonly number[]> {
  const seqs: number[] = [];
  for (const { seq, hash } of (await ledger.commits()).toReversed()) {
    if (isHashKnown(hash)) break;
    const bytes = await chain.read(seq);
    if (bytes !== undefined) await backend.put(damagedCommitName(vault, seq, sha256(bytes)), bytes);
    await backend.delete(chainName(vault, seq));
    seqs.unshift(seq);
  }
  return seqs;
}
