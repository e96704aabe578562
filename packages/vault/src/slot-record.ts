/**
 * Slots (security.md §3.7): the account root key sealed under the key of one method.
 *
 * ```
 * record  = CBOR {0:1, 1:accountId, 2:slotId 16, 3:method, 4:public parameters, 5:sealed object 0x02}
 * payload = CBOR {0:ARK, 1:generation, 2:accountId, 3:genesisHash, 4:method, 5:the same parameters}
 * ```
 * Sealed object: contextId = accountId, epoch = generation. The inner copies must equal the outer fields. Parameters are
 * `{0:salt 32, 1:m KiB, 2:t, 3:p}` for a local password and `{}` for words.
 */
import { type CborMap, type CborValue, encodeCbor, equalBytes } from '@keephold/bytes';
import {
  type AccountRootKey,
  asKey,
  OBJECT_TYPE,
  openObject,
  parseObjectHeader,
  type RandomSource,
  type SlotKey,
  sealObject,
} from '@keephold/crypto';
import {
  type AccountId,
  asAccountId,
  decodeRecord,
  HASH_LENGTH,
  ID_LENGTH,
  MalformedRecordError,
  readSlotMethod,
  type SlotMethod,
  slotMethodNumber,
} from '@keephold/protocol';

const VERSION = 1;
const SLOT_ID_LENGTH = ID_LENGTH;

export interface SlotRecord {
  readonly accountId: AccountId;
  /** 16 bytes. */
  readonly slotId: Uint8Array;
  readonly method: SlotMethod;
  readonly parameters: CborMap;
  readonly sealed: Uint8Array;
}

export interface SlotSecret {
  readonly ark: AccountRootKey;
  readonly generation: number;
  /** entryHash of keychain entry 0. */
  readonly genesisHash: Uint8Array;
}

export function encodeSlotRecord(record: SlotRecord): Uint8Array<ArrayBuffer> {
  return encodeCbor(
    new Map<number, CborValue>([
      [0, VERSION],
      [1, record.accountId],
      [2, record.slotId],
      [3, slotMethodNumber(record.method)],
      [4, record.parameters],
      [5, record.sealed],
    ]),
  );
}

/** @throws MalformedRecordError */
export function decodeSlotRecord(bytes: Uint8Array): SlotRecord {
  const fields = decodeRecord(bytes, 'slot record');
  fields.uint(0, VERSION, VERSION);
  const parameters = fields.take(4);
  if (!(parameters instanceof Map)) throw fields.fault(4, 'not a map');
  const record = {
    accountId: asAccountId(fields.bytes(1)),
    slotId: fields.bytes(2, SLOT_ID_LENGTH),
    method: readSlotMethod(fields, 3),
    parameters: parameters as CborMap,
    sealed: fields.bytes(5),
  };
  fields.end();
  return record;
}

/** As `decodeSlotRecord`, but undefined for what is no slot record of this version: it opens nothing, and harms nothing. */
export function decodeSlotRecordOrSkip(bytes: Uint8Array): SlotRecord | undefined {
  try {
    return decodeSlotRecord(bytes);
  } catch (error) {
    if (error instanceof MalformedRecordError) return undefined;
    throw error;
  }
}

export interface SealSlotOptions extends SlotSecret {
  readonly accountId: AccountId;
  readonly method: SlotMethod;
  readonly parameters: CborMap;
  readonly kek: SlotKey;
  readonly random: RandomSource;
}

/** A new slot with a fresh id. */
export async function sealSlot(options: SealSlotOptions): Promise<SlotRecord> {
  const { accountId, method, parameters, random } = options;
  const payload = encodeCbor(
    new Map<number, CborValue>([
      [0, options.ark],
      [1, options.generation],
      [2, accountId],
      [3, options.genesisHash],
      [4, slotMethodNumber(method)],
      [5, parameters],
    ]),
  );
  const place = { type: OBJECT_TYPE.slot, contextId: accountId, epoch: options.generation };
  const sealed = await sealObject({ ...place, key: options.kek, payload, random });
  payload.fill(0);
  return { accountId, slotId: random(SLOT_ID_LENGTH), method, parameters, sealed };
}

/**
 * What a slot protects.
 * @throws an error of `crypto` or MalformedRecordError for a wrong key and any damage; callers make one of them.
 */
export async function openSlot(record: SlotRecord, kek: SlotKey): Promise<SlotSecret> {
  const { epoch } = parseObjectHeader(record.sealed);
  const expect = { type: OBJECT_TYPE.slot, contextId: record.accountId, epoch };
  const fields = decodeRecord(await openObject({ bytes: record.sealed, expect, key: kek }), 'slot');
  const secret = {
    ark: asKey('AccountRootKey', fields.bytes(0, 32)),
    generation: fields.uint(1, 1, 0xffff_ffff),
    genesisHash: fields.bytes(3, HASH_LENGTH),
  };
  const accountId = fields.bytes(2, ID_LENGTH);
  const method = readSlotMethod(fields, 4);
  const parameters = fields.take(5);
  fields.end();
  const outer = encodeCbor(record.parameters);
  const same =
    secret.generation === epoch &&
    equalBytes(accountId, record.accountId) &&
    method === record.method &&
    parameters instanceof Map &&
    equalBytes(encodeCbor(parameters as CborMap), outer);
  if (!same) throw new MalformedRecordError('open slot: its sealed fields differ from the public ones');
  return secret;
}
