/**
 * Lists again, in new index objects, the packs of this device that no index object lists any more (format.md §5: they
 * say themselves what they hold), and supersedes its index objects that are gone or rotten (§7, type 5). Needs a reader:
 * what a pack holds only its key tells.
 */
import { equalBytes, toHex } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto';
import { type Custody, type DeviceId, type ObjectName, packsDigestInput, sortPackIds } from '@keephold/protocol';
import type { EngineError } from '../../errors.ts';
import type { IndexedPack } from '../../index-object.ts';
import { blobCount } from '../../pack-contents.ts';
import type { Repository } from '../../reading/repository.ts';
import { BLOBS_PER_INDEX, type IndexPlace, storeIndexObjects } from '../backup/index-objects.ts';
import type { BackupOptions } from '../backup/options.ts';
import { type CommitSigner, commitOnHead } from '../commit-on-head.ts';

export interface RelistOptions extends CommitSigner, Pick<BackupOptions, 'random' | 'signal'> {
  readonly repository: Pick<Repository, 'indexObjects' | 'unlistedPacks' | 'neededPacks'>;
  readonly custody: Custody;
  readonly keys: IndexPlace['keys'] & { readonly deviceId: DeviceId };
}

export interface RelistReport {
  /** Packs listed again. */
  readonly packs: number;
  /** Index objects that nobody has to look for any more. */
  readonly superseded: number;
  /** Packs of other devices that nobody lists: theirs to list. */
  readonly others: number;
  /** Packs that do not tell what they hold. */
  readonly unreadable: number;
}

/** Costs a pass over the index. Changes nothing when there is nothing to do. */
export async function relistPacks(options: RelistOptions): Promise<RelistReport> {
  const broken = await brokenIndexes(options);
  const found = await listUnlisted(options);
  // Whole in another copy, they would tell more than can be told here.
  const superseded = found.unreadable > 0 ? [] : broken;
  if (found.names.length > 0 || superseded.length > 0) await commitIndexes(options, { ...found, superseded });
  const { others, unreadable } = found;
  return { packs: found.packs.length, superseded: superseded.length, others, unreadable };
}

/** Names of index objects of this device that cannot be read. */
async function brokenIndexes({ repository, keys, signal }: RelistOptions): Promise<readonly ObjectName[]> {
  const broken = new Map<string, ObjectName>();
  const onDamage = (_: EngineError, { name, deviceId }: { readonly name: ObjectName; readonly deviceId: DeviceId }) =>
    equalBytes(deviceId, keys.deviceId) && broken.set(toHex(name), name);
  for await (const _ of repository.indexObjects('all', { onDamage })) signal.throwIfAborted();
  return [...broken.values()];
}

interface Listed {
  readonly names: readonly ObjectName[];
  readonly packs: readonly Uint8Array[];
  readonly others: number;
  readonly unreadable: number;
}

async function listUnlisted(options: RelistOptions): Promise<Listed> {
  const { repository, keys, signal } = options;
  const names: ObjectName[] = [];
  const packs: Uint8Array[] = [];
  let [others, unreadable] = [0, 0];
  let [waiting, blobs] = [[] as IndexedPack[], 0];
  const store = async (): Promise<void> => {
    names.push(...(await storeIndexObjects(options, waiting)).names);
    [waiting, blobs] = [[], 0];
  };
  const unlisted = repository.unlistedPacks(await repository.neededPacks(), {
    kind: 'all',
    onFailure: () => unreadable++,
  });
  for await (const { pack, author } of unlisted) {
    signal.throwIfAborted();
    if (!equalBytes(author, keys.deviceId)) {
      others++;
      continue;
    }
    if (blobs + blobCount(pack.contents) > BLOBS_PER_INDEX) await store();
    waiting.push(pack);
    packs.push(pack.packId);
    blobs += blobCount(pack.contents);
  }
  await store();
  return { names, packs, others, unreadable };
}

async function commitIndexes(
  options: RelistOptions,
  { names, packs, superseded }: Pick<Listed, 'names' | 'packs'> & { readonly superseded: readonly ObjectName[] },
): Promise<void> {
  const { vaultId, deviceId } = options.keys;
  const packsAdded = sortPackIds(packs);
  const packsDigest = sha256(...packsDigestInput(packsAdded));
  await commitOnHead(options, { vaultId, action: 'list packs again' }, (base) => ({
    commit: { ...base, kind: 'index-maintenance', deviceId, indexObjects: names, packsDigest, superseded },
    packsAdded,
    refset: undefined,
  }));
}
