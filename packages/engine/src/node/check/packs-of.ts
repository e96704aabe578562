/** A second pass over the rows of packs, for those that did not fit into memory in the first. */
import type { DeviceId, PackIdList } from '@keephold/protocol';
import type { IndexedPack } from '../../index-object.ts';
import type { Repository } from '../../reading/repository.ts';
import type { PackCatalog } from './pack-catalog.ts';
import type { NumberedPack } from './pack-hand-over.ts';

export interface SecondPass {
  /** Numbers in the catalogue; what was yielded is taken out. */
  readonly wanted: Set<number>;
  /** Where the packs are that no index lists. */
  readonly needed: PackIdList;
  readonly catalog: Pick<PackCatalog, 'numberOf'>;
}

/** Packs that are wanted, each once. */
export async function* packsOf(
  repository: Pick<Repository, 'indexObjects' | 'unlistedPacks'>,
  { wanted, needed, catalog }: SecondPass,
): AsyncGenerator<NumberedPack> {
  const numbered = (pack: IndexedPack, author: DeviceId): NumberedPack[] => {
    const number = catalog.numberOf(pack.packId, author);
    return number !== undefined && wanted.delete(number) ? [{ pack, number }] : [];
  };
  for await (const { packs, entry } of repository.indexObjects('all', { onDamage: () => undefined })) {
    for (const pack of packs) yield* numbered(pack, entry.deviceId);
  }
  if (wanted.size === 0) return;
  for await (const { pack, author } of repository.unlistedPacks(needed, { kind: 'all' })) yield* numbered(pack, author);
}
