/**
 * Packs whose bytes are gone or rotten. A rotten pack moves to `damaged/` (format.md §10): to everybody it is then a
 * pack that is missing, which every part knows how to treat, and no state is needed that a lost ledger would forget. Its
 * pages are still read where there is nothing better: most of them are good.
 */
import type { Backend } from '@keephold/backend';
import { equalBytes, fullPages } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto/verify';
import {
  CustodyError,
  intersectPackIds,
  type PackId,
  type PackIdList,
  packIdAt,
  packIdCount,
  packLength,
  sortPackIds,
  type VaultId,
} from '@keephold/protocol';
import { damagedPackName, packName } from '../layout.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { afterSetAside } from '../pack-state.ts';
import { neededPacks } from '../retention/needed-packs.ts';
import { isKeptCommit } from '../snapshot-state.ts';

interface Parts {
  readonly backend: Backend;
  readonly ledger: Ledger;
}

/**
 * Answers those of the packs that are lost; what is whole stays as it is, whoever says otherwise. `backend`: the plain
 * one, because the parity of a pack that is set aside is what may bring it back.
 */
export async function setAsideDamaged(parts: Parts, vault: VaultId, packs: PackIdList): Promise<PackIdList> {
  const lost: PackId[] = [];
  const area = packArea();
  for (let i = 0; i < packIdCount(packs); i++) {
    const id = new Uint8Array(packIdAt(packs, i)) as Uint8Array as PackId;
    const bytes = await parts.backend.get(packName(vault, id), { into: area });
    if (bytes !== undefined && isPack(id, bytes)) continue;
    if (await setAside(parts, vault, { id, area })) lost.push(id);
  }
  return sortPackIds(lost);
}

/** Memory for any pack and one byte more, so that a file that is too long is seen. */
export function packArea(): Uint8Array {
  return new Uint8Array(packLength(fullPages(1)) + 1);
}

export function isPack(id: PackId, bytes: Uint8Array): boolean {
  return equalBytes(sha256(bytes), id);
}

/**
 * Answers whether it was set aside. Under the write lock, and after another look: a heal may have put sound bytes in the
 * place of those that were seen. A copy first, so that a crash leaves one of the two.
 */
async function setAside(
  { backend, ledger }: Parts,
  vault: VaultId,
  { id, area }: { readonly id: PackId; readonly area: Uint8Array },
): Promise<boolean> {
  return await ledger.write(vault, async ({ packs }) => {
    const bytes = await backend.get(packName(vault, id), { into: area });
    if (bytes !== undefined && isPack(id, bytes)) return false;
    if (bytes !== undefined) {
      await backend.put(damagedPackName(vault, id), bytes);
      await backend.delete(packName(vault, id));
    }
    const before = await packs.get(id);
    const after = before === undefined ? undefined : afterSetAside(before);
    if (after === undefined) await packs.remove(id);
    else if (after !== before) await packs.set(id, after);
    return true;
  });
}

export async function lostPacks({ ledger }: Parts, vault: VaultId): Promise<PackIdList> {
  return await ledger.read(vault, async (transaction) => {
    const lost = await transaction.packs.ids((state) => state === 'lost');
    if (lost.length === 0) return lost;
    const rows = await transaction.ledger.commits();
    const kept = rows.filter(isKeptCommit).map(({ seq }) => seq);
    try {
      return intersectPackIds(lost, (await neededPacks(transaction, rows, { kept: new Set(kept) })).packs);
    } catch (error) {
      // Which are needed cannot be told: all of them may be.
      if (error instanceof CustodyError && error.code === 'damaged') return lost;
      throw error;
    }
  });
}
