/** Packs that were set aside as damaged go, and their rows with them, once no snapshot needs them. */
import type { Backend } from '@keephold/backend';
import { packIdAt, packIdCount, subtractPackIds, type VaultId } from '@keephold/protocol';
import { damagedPackName, packName } from '../layout.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { isLost } from '../pack-state.ts';
import { parityName } from '../parity/parity-names.ts';
import { isKeptCommit } from '../snapshot-state.ts';
import { type NeededPacks, neededPacks } from './needed-packs.ts';

/** `known`: what was needed a moment ago. */
export async function removeUnneededDamaged(
  { backend, ledger }: { readonly backend: Backend; readonly ledger: Ledger },
  vault: VaultId,
  known: NeededPacks,
): Promise<void> {
  if ((await ledger.read(vault, async ({ packs }) => await packs.ids(isLost))).length === 0) return;
  await ledger.write(vault, async (transaction) => {
    const { packs } = transaction;
    const rows = await transaction.ledger.commits();
    const kept = new Set(rows.filter(isKeptCommit).map(({ seq }) => seq));
    const needed = await neededPacks(transaction, rows, { kept, known });
    const unneeded = subtractPackIds(await packs.ids(isLost), needed.packs);
    for (let i = 0; i < packIdCount(unneeded); i++) {
      await backend.delete(parityName(packName(vault, packIdAt(unneeded, i))));
      await backend.delete(damagedPackName(vault, packIdAt(unneeded, i)));
      await packs.remove(packIdAt(unneeded, i));
    }
  });
}
