/** Index objects (format.md §5) sealed and opened with a writer's keys: the rows of whole packs. */
import { freeBytes } from '@keephold/bytes';
import { type IndexKey, OBJECT_TYPE, openObject, sealObject } from '@keephold/crypto';
import { DamagedError, EngineError, MissingDataError } from '../errors.ts';
import { encodeIndexPayload, type IndexedPack, parseIndexPayload } from '../index-object.ts';
import type { WriterKeys } from './backup/options.ts';

type IndexKeys = Pick<WriterKeys, 'vaultId' | 'indexKeys' | 'epoch'>;

export interface IndexSealing {
  readonly keys: IndexKeys;
  readonly random: (length: number) => Uint8Array;
}

/** `packs`: at least one, all of one kind, at most 65,536 blobs. */
export async function sealIndexObject(
  packs: readonly IndexedPack[],
  { keys, random }: IndexSealing,
): Promise<Uint8Array> {
  const { vaultId, indexKeys, epoch } = keys;
  const key = indexKeys.get(epoch);
  if (key === undefined) throw new EngineError('refused', `seal index: no key for epoch ${epoch}`);
  const type = packs[0]?.kind === 2 ? OBJECT_TYPE.metaIndex : OBJECT_TYPE.dataIndex;
  const payload = encodeIndexPayload(packs);
  const object = await sealObject({ type, contextId: vaultId, epoch, key, payload, random });
  freeBytes(payload);
  return object;
}

/** @throws DamagedError, MissingDataError when there is no key of its epoch, or what openObject throws. */
export async function openIndexObject(object: Uint8Array, keys: IndexKeys): Promise<readonly IndexedPack[]> {
  const type = object[5];
  if (object.length < 28 || (type !== OBJECT_TYPE.dataIndex && type !== OBJECT_TYPE.metaIndex))
    throw new DamagedError(`read index object: type ${type}`);
  const epoch = new DataView(object.buffer, object.byteOffset).getUint32(24, true);
  const key: IndexKey | undefined = keys.indexKeys.get(epoch);
  if (key === undefined) throw new MissingDataError(`read index object: no key for epoch ${epoch}`);
  const payload = await openObject({ bytes: object, expect: { type, contextId: keys.vaultId, epoch }, key });
  return parseIndexPayload(payload, type === OBJECT_TYPE.dataIndex ? 1 : 2);
}
