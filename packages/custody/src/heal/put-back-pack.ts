/** Puts a pack in its place again from a copy whose bytes were compared with its name; then what was set aside of it goes. */
import type { Backend } from '@keephold/backend';
import { type PackId, parsePackHeader, type VaultId } from '@keephold/protocol';
import { damagedPackName, packName } from '../layout.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { afterPut, mustLookAtPut } from '../pack-state.ts';

export async function putBackPack(
  { backend, ledger }: { readonly backend: Backend; readonly ledger: Ledger },
  vault: VaultId,
  { id, bytes }: { readonly id: PackId; readonly bytes: Uint8Array },
): Promise<void> {
  const header = parsePackHeader(bytes);
  await backend.put(packName(vault, id), bytes);
  await ledger.write(vault, async ({ packs }) => {
    const before = await packs.get(id);
    // Set aside again meanwhile: the next run finds it lost and tries once more.
    if (mustLookAtPut(before) && (await backend.stat(packName(vault, id))) === undefined) return;
    const after = afterPut(before, { kind: header.kind, pages: header.pageCount }, 0);
    if (after !== undefined) await packs.set(id, after);
  });
  await backend.delete(damagedPackName(vault, id));
}
