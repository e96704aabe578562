/** Names of devices and vaults inside keychain entries: object 0x40, CBOR `{0:1, 1: text}` (security.md §3.1, §3.11). */
import { encodeCbor } from '@keephold/bytes';
import { type AccountRootKey, OBJECT_TYPE, openObject, type RandomSource, sealObject } from '@keephold/crypto';
import { type AccountId, decodeRecord } from '@keephold/protocol';
import { namesKey } from './account-keys.ts';

/** UTF-16 units. */
export const LONGEST_NAME = 255;

export interface NameContext {
  readonly ark: AccountRootKey;
  readonly accountId: AccountId;
  readonly generation: number;
}

export function sealName(name: string, context: NameContext, random: RandomSource): Promise<Uint8Array> {
  const { ark, accountId, generation } = context;
  return sealObject({
    type: OBJECT_TYPE.names,
    contextId: accountId,
    epoch: generation,
    key: namesKey(ark, accountId),
    payload: encodeCbor(
      new Map<number, number | string>([
        [0, 1],
        [1, name.slice(0, LONGEST_NAME)],
      ]),
    ),
    random,
  });
}

/** @throws IntegrityError, MalformedRecordError */
export async function openName(sealed: Uint8Array, context: NameContext): Promise<string> {
  const { ark, accountId, generation } = context;
  const expect = { type: OBJECT_TYPE.names, contextId: accountId, epoch: generation };
  const fields = decodeRecord(await openObject({ bytes: sealed, expect, key: namesKey(ark, accountId) }), 'name');
  fields.uint(0, 1, 1);
  const name = fields.text(1, LONGEST_NAME);
  fields.end();
  return name;
}
