/**
 * Which packs of a refset are not there, and whether the new ones have sizes that a commit may have (format.md §4).
 * `toCheck` are those that nothing vouches for yet; all others are in the refset of a kept snapshot and live by the
 * ledger's invariant, but for the few marked lost.
 */
import type { Backend } from '@keephold/backend';
import { fullPages } from '@keephold/bytes';
import {
  containsPackId,
  intersectPackIds,
  PACK_HEADER_LENGTH,
  type PackId,
  type PackIdList,
  packIdAt,
  packIdCount,
  packLength,
  parsePackHeader,
  SEALED_PAGE_LENGTH,
  sortPackIds,
  unionPackIds,
  type VaultId,
} from '@keephold/protocol';
import { findingDamage } from '../custody-failure.ts';
import { packName } from '../layout.ts';
import type { PackTable } from '../ledger/pack-table.ts';
import { type PackEntry, standing } from '../pack-state.ts';
import { type CommitWithRefset, refused } from './check-request.ts';

export interface PackCheck {
  readonly vault: VaultId;
  readonly backend: Backend;
  readonly packs: PackTable;
}

const STATS_AT_ONCE = 16;

/** Packs that must be uploaded (again); empty when the refset is whole. */
export async function missingPacks(check: PackCheck, toCheck: PackIdList, refset: PackIdList): Promise<PackIdList> {
  const missing: Uint8Array[] = [];
  const unproven: PackId[] = [];
  for (let i = 0; i < packIdCount(toCheck); i++) {
    const id = packIdAt(toCheck, i);
    const found = standing(await check.packs.get(id));
    if (found === 'unproven') unproven.push(id);
    else if (found === 'missing') missing.push(id);
  }
  for (let at = 0; at < unproven.length; at += STATS_AT_ONCE) {
    const batch = unproven.slice(at, at + STATS_AT_ONCE);
    const there = await Promise.all(batch.map(async (id) => await isThere(check, id)));
    for (const [index, id] of batch.entries()) if (there[index] !== true) missing.push(id);
  }
  const lost = await check.packs.ids((state) => state === 'lost');
  return unionPackIds(sortPackIds(missing), intersectPackIds(lost, refset));
}

async function isThere({ vault, backend, packs }: PackCheck, id: PackId): Promise<boolean> {
  const size = (await backend.stat(packName(vault, id)))?.size;
  const entry = await packs.get(id);
  if (size === undefined) return false;
  if (entry !== undefined && entry.pages > 0) return size === packLength(entry.pages);
  const pages = (size - PACK_HEADER_LENGTH) / SEALED_PAGE_LENGTH;
  if (!Number.isInteger(pages)) return false;
  if (entry === undefined) await packs.set(id, { state: 'pending', kind: 0, pages, since: 0 });
  return true;
}

/** @throws CustodyError 'refused' when a new pack is not in the refset, or more than one of a kind is short. */
export async function checkNewPacks(
  check: PackCheck,
  commit: CommitWithRefset,
  lists: { readonly packsAdded: PackIdList; readonly refset: PackIdList },
): Promise<void> {
  const short = new Map<number, number>();
  for (let i = 0; i < packIdCount(lists.packsAdded); i++) {
    const id = packIdAt(lists.packsAdded, i);
    const entry = await check.packs.get(id);
    // Others were committed before: an index object that replaces older ones lists them again.
    if (entry !== undefined && entry.state !== 'pending') continue;
    if (!containsPackId(lists.refset, id)) throw refused(commit, 'it adds a pack that its refset lacks');
    const { kind, pages } = await sizeClass(check, id, entry);
    if (pages === fullPages(kind)) continue;
    const count = (short.get(kind) ?? 0) + 1;
    if (count > 1) throw refused(commit, `it adds more than one short pack of kind ${kind}`);
    short.set(kind, count);
  }
}

async function sizeClass(
  { backend, vault, packs }: PackCheck,
  id: PackId,
  entry: PackEntry | undefined,
): Promise<{ readonly kind: 1 | 2; readonly pages: number }> {
  if (entry !== undefined && (entry.kind === 1 || entry.kind === 2)) return { kind: entry.kind, pages: entry.pages };
  const name = packName(vault, id);
  const bytes = await backend.get(name, { length: PACK_HEADER_LENGTH });
  const header = findingDamage(name, () => parsePackHeader(bytes ?? new Uint8Array(0)));
  await packs.set(id, { state: 'pending', since: 0, ...entry, kind: header.kind, pages: header.pageCount });
  return { kind: header.kind, pages: header.pageCount };
}
