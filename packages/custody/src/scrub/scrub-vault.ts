/**
 * Reads packs and objects again, long after they were stored, and compares them with their names (security.md §6.7). What
 * is damaged is repaired from the second site when that has it whole; else a pack is set aside, so that devices store
 * again what was in it. Nothing is deleted, and what is only missing is believed only of a place that is there.
 */
import { compareBytes, toHex } from '@keephold/bytes';
import { type PackIdList, packIdAt, packIdCount } from '@keephold/protocol';
import { isLost, isReferable } from '../pack-state.ts';
import type { DamagedItem, ScrubOptions, ScrubReport } from '../upkeep.ts';
import { Inspection, type InspectionParts } from './inspection.ts';
import { positionAfter, positionOf, sliceFrom } from './slice.ts';

export async function scrubVault(
  parts: Omit<InspectionParts, 'repairFrom'>,
  { position, again, repairFrom, pace, signal }: ScrubOptions,
): Promise<ScrubReport> {
  const inspection = new Inspection({ ...parts, repairFrom });
  const look = async (item: DamagedItem): Promise<void> => await pace(await inspection.look(item));
  const earlier = distinct([...again, ...itemsOf(await packsIn(parts, isLost))]);
  for (const item of earlier) {
    signal.throwIfAborted();
    await look(item);
  }
  const looked = new Set(earlier.map(keyOf));
  const { first, end } = sliceFrom(position);
  for (const item of await itemsBetween(parts, first, end)) {
    if (looked.has(keyOf(item))) continue;
    if (signal.aborted) return { ...inspection.report(), position: positionOf(item.name), outcome: 'interrupted' };
    await look(item);
  }
  return { ...inspection.report(), position: positionAfter(end), outcome: 'done' };
}

type Parts = Pick<InspectionParts, 'ledger' | 'vault'>;

async function packsIn({ ledger, vault }: Parts, wanted: typeof isReferable): Promise<PackIdList> {
  return await ledger.read(vault, async ({ packs }) => await packs.ids(wanted));
}

/** What commits name, and packs that they may name, by name. */
async function itemsBetween(parts: Parts, first: number, end: number): Promise<readonly DamagedItem[]> {
  const packs = itemsOf(await packsIn(parts, isReferable));
  const names = await parts.ledger.read(parts.vault, async ({ ledger }) => await ledger.objectNames());
  const objects = names.map((name): DamagedItem => ({ kind: 'object', name }));
  return distinct(
    [...packs, ...objects].filter(({ name }) => positionOf(name) >= first && positionOf(name) < end),
  ).sort((a, b) => compareBytes(a.name, b.name));
}

function itemsOf(ids: PackIdList): DamagedItem[] {
  return Array.from({ length: packIdCount(ids) }, (_, at) => ({
    kind: 'pack',
    name: new Uint8Array(packIdAt(ids, at)),
  }));
}

/** Several commits may name one object. */
function distinct(items: readonly DamagedItem[]): DamagedItem[] {
  return [...new Map(items.map((item) => [keyOf(item), item])).values()];
}

function keyOf({ kind, name }: DamagedItem): string {
  return `${kind} ${toHex(name)}`;
}
