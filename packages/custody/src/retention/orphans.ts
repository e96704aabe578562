/**
 * Objects and keeper's records that no commit names: left by sessions that never committed. Their age protects those of
 * sessions that still may. Packs without a commit are the ledger's business (leases). Most files are looked at without
 * the ledger's lock; what looks like an orphan is looked at again under it, a few at a time. Where a commit could not be
 * read, session objects stay: it may have named them, and packs of other snapshots may need them.
 */
import type { Backend } from '@keephold/backend';
import { equalBytes, fromHex, toHex } from '@keephold/bytes';
import type { VaultId } from '@keephold/protocol';
import { objectsFolder, recordName, refsetsFolder } from '../layout.ts';
import { giveWay } from '../ledger/give-way.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { CommitRow } from '../ledger/vault-ledger.ts';
import type { VaultTransaction } from '../ledger/vault-transaction.ts';
import { LEASE } from '../pack-state.ts';

interface Keeper {
  readonly backend: Backend;
  readonly ledger: Ledger;
}

const DELETES_AT_ONCE = 16;
/** "KHSO", version 1, type 0x11. */
const SESSION_HEAD = Uint8Array.of(0x4b, 0x48, 0x53, 0x4f, 1, 0x11);

/** `rows`: the commits of some time ago. */
export async function removeOrphans(
  keeper: Keeper,
  vault: VaultId,
  { now, rows }: { readonly now: number; readonly rows: readonly CommitRow[] },
): Promise<void> {
  const objects = await keeper.ledger.read(vault, async ({ ledger }) => await ledger.objectNames());
  const records = rows.map(({ seq, hash }) => recordName(vault, seq, hash));
  const named = new Set([...objects.map(toHex), ...records.map(lastPart)]);
  const before = now - LEASE;
  const hasUnread = rows.some(({ kind }) => kind === 'lost');
  const orphans: string[] = [];
  for (const folder of [objectsFolder(vault), refsetsFolder(vault)]) {
    for await (const { name, modifiedAt } of keeper.backend.list(folder)) {
      if (modifiedAt > before || named.has(lastPart(name))) continue;
      if (!(hasUnread && (await isSessionObject(keeper.backend, name)))) orphans.push(name);
    }
  }
  for (let at = 0; at < orphans.length; at += DELETES_AT_ONCE) {
    if (at > 0) await giveWay();
    await removeStillOrphaned(keeper, vault, { paths: orphans.slice(at, at + DELETES_AT_ONCE), before });
  }
}

/** By the head of sealed objects, which anybody can read (format.md §5). */
async function isSessionObject(backend: Backend, path: string): Promise<boolean> {
  const head = await backend.get(path, { length: SESSION_HEAD.length });
  return head !== undefined && equalBytes(head, SESSION_HEAD);
}

/** Under the lock: a commit that names one of these is either in the ledger already or finds it gone and is refused. */
async function removeStillOrphaned(
  { backend, ledger }: Keeper,
  vault: VaultId,
  { paths, before }: { readonly paths: readonly string[]; readonly before: number },
): Promise<void> {
  await ledger.write(vault, async (transaction) => {
    for (const path of paths) {
      if (await isNamed(transaction, path)) continue;
      // A writer that is about to name it has touched it.
      const found = await backend.stat(path);
      if (found !== undefined && found.modifiedAt <= before) await backend.delete(path);
    }
  });
}

async function isNamed({ ledger, vault }: VaultTransaction, path: string): Promise<boolean> {
  const name = lastPart(path);
  if (path.startsWith(`${objectsFolder(vault)}/`)) {
    return /^[0-9a-f]{64}$/.test(name) && (await ledger.isNamed(fromHex(name)));
  }
  const row = await ledger.commit(Number.parseInt(name, 10) || 0);
  return row !== undefined && path === recordName(vault, row.seq, row.hash);
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
