/** What restore, check and cat need of a repository. */
import type { PackIdList } from '@keephold/protocol';
import { DamagedError } from '../../errors.ts';
import type { Repository, SnapshotRoot } from '../../reading/repository.ts';

export type ReadableRepository = Pick<
  Repository,
  'idKey' | 'nodeAt' | 'childParts' | 'contentParts' | 'readBlob' | 'refset' | 'locate' | 'packKeyOf' | 'getPack'
>;

/** The snapshot's packs, which are read first; a refset that is damaged must not stand between people and their files. */
export async function refsetOrAny(
  repository: ReadableRepository,
  snapshot: SnapshotRoot,
): Promise<PackIdList | undefined> {
  try {
    return await repository.refset(snapshot);
  } catch (cause) {
    if (cause instanceof DamagedError) return undefined;
    throw cause;
  }
}
