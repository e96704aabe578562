/**
 * Grants: the keys of one vault that a device holds (security.md §3.2).
 *
 * ```
 * CBOR {0:1, 1:vaultId, 2:accountId, 3:idKey, 4:chunkerKey, 5:[indexKey_e, …], 6:readKey_e public of the last e,
 *       7:genesisHash, 8:[keychain seq, entryHash], 9:[head seq, commitHash]?, 10:[readKey_e seed, …]?}
 * ```
 * Key 10 makes a ReadGrant of a WriteGrant. Sealed to a device they are object 0x03, HPKE to DXK, contextId = deviceId,
 * epoch = keychain seq; an embedded device, made where the account is unlocked, keeps the plain record instead.
 */
import { type CborValue, encodeCbor, equalBytes } from '@keephold/bytes';
import {
  asKey,
  type ChunkerKey,
  type IdKey,
  type IndexKey,
  OBJECT_TYPE,
  openAsRecipient,
  type RandomSource,
  sealToRecipient,
  sha256,
  type XWingSeed,
} from '@keephold/crypto';
import {
  type AccountId,
  asAccountId,
  asObjectName,
  asVaultId,
  type ChainPin,
  type DeviceId,
  decodeRecord,
  EXCHANGE_KEY_LENGTH,
  HASH_LENGTH,
  isGrantNamed,
  type KeychainState,
  type RecordFields,
  type VaultId,
} from '@keephold/protocol';
import { DeviceFaultError } from './errors.ts';
import { readPin } from './keyring.ts';
import type { ReadKeys, VaultKeys } from './keys.ts';

const VERSION = 1;

export interface Grant {
  readonly vaultId: VaultId;
  readonly accountId: AccountId;
  readonly idKey: IdKey;
  readonly chunkerKey: ChunkerKey;
  /** Index is the epoch; never empty. */
  readonly indexKeys: readonly IndexKey[];
  /** Public half of readKey of the last epoch. */
  readonly readKeyPublic: Uint8Array;
  readonly genesisHash: Uint8Array;
  readonly keychainPin: ChainPin;
  /** Undefined while the vault has no commit. */
  readonly headPin: ChainPin | undefined;
  /** Present in a ReadGrant: private halves of readKey, one for each epoch. */
  readonly readKeySeeds: readonly XWingSeed[] | undefined;
}

export interface GrantPins {
  readonly genesisHash: Uint8Array;
  readonly keychainPin: ChainPin;
  readonly headPin: ChainPin | undefined;
}

/** A WriteGrant: what `keys` hold, without any private half of readKey. */
export function writeGrant(keys: VaultKeys, pins: GrantPins): Grant {
  const { vaultId, accountId, idKey, chunkerKey, readKeyPublic } = keys;
  const indexKeys = inOrder(keys.indexKeys, keys.epoch);
  return { vaultId, accountId, idKey, chunkerKey, indexKeys, readKeyPublic, ...pins, readKeySeeds: undefined };
}

/** A ReadGrant. */
export function readGrant(keys: ReadKeys, pins: GrantPins): Grant {
  return { ...writeGrant(keys, pins), readKeySeeds: inOrder(keys.readKeySeeds, keys.epoch) };
}

export function encodeGrant(grant: Grant): Uint8Array<ArrayBuffer> {
  const fields = new Map<number, CborValue>([
    [0, VERSION],
    [1, grant.vaultId],
    [2, grant.accountId],
    [3, grant.idKey],
    [4, grant.chunkerKey],
    [5, grant.indexKeys],
    [6, grant.readKeyPublic],
    [7, grant.genesisHash],
    [8, [grant.keychainPin.seq, grant.keychainPin.hash]],
  ]);
  if (grant.headPin !== undefined) fields.set(9, [grant.headPin.seq, grant.headPin.hash]);
  if (grant.readKeySeeds !== undefined) fields.set(10, grant.readKeySeeds);
  return encodeCbor(fields);
}

/** @throws MalformedRecordError */
export function decodeGrant(payload: Uint8Array): Grant {
  const fields = decodeRecord(payload, 'grant');
  fields.uint(0, VERSION, VERSION);
  const grant: Grant = {
    vaultId: asVaultId(fields.bytes(1)),
    accountId: asAccountId(fields.bytes(2)),
    idKey: asKey('IdKey', fields.bytes(3, 32)),
    chunkerKey: asKey('ChunkerKey', fields.bytes(4, 32)),
    indexKeys: readKeyList(fields, 5).map((key) => asKey('IndexKey', key)),
    readKeyPublic: fields.bytes(6, EXCHANGE_KEY_LENGTH),
    genesisHash: fields.bytes(7, HASH_LENGTH),
    keychainPin: readPin(fields, 8),
    headPin: fields.has(9) ? readPin(fields, 9) : undefined,
    readKeySeeds: fields.has(10) ? readKeyList(fields, 10).map((key) => asKey('XWingSeed', key)) : undefined,
  };
  if (grant.readKeySeeds !== undefined && grant.readKeySeeds.length !== grant.indexKeys.length) {
    throw fields.fault(10, 'not one seed for each epoch');
  }
  fields.end();
  return grant;
}

export interface SealGrantOptions {
  readonly grant: Grant;
  readonly deviceId: DeviceId;
  /** DXK, X-Wing public key. */
  readonly recipient: Uint8Array;
  /** seq of the entry that will name the grant. */
  readonly keychainSeq: number;
  readonly random: RandomSource;
}

export function sealGrant(options: SealGrantOptions): Promise<Uint8Array> {
  const { grant, deviceId, recipient, keychainSeq, random } = options;
  const place = { type: OBJECT_TYPE.grant, contextId: deviceId, epoch: keychainSeq };
  return sealToRecipient({ ...place, recipient, payload: encodeGrant(grant), random });
}

export interface OpenGrantOptions {
  readonly sealed: Uint8Array;
  readonly deviceId: DeviceId;
  readonly keychain: KeychainState;
  readonly keychainSeq: number;
  /** Private half of DXK. */
  readonly seed: XWingSeed;
}

/**
 * Opens a grant that the keychain names and whose content agrees with it.
 * @throws DeviceFaultError `grant-stale` for a grant nobody signed or of another account; IntegrityError when altered.
 */
export async function openGrant(options: OpenGrantOptions): Promise<Grant> {
  const { sealed, deviceId, keychain, keychainSeq, seed } = options;
  if (!isGrantNamed(keychain, asObjectName(sha256(sealed)))) {
    throw new DeviceFaultError('grant-stale', 'open grant: no keychain entry names it');
  }
  const expect = { type: OBJECT_TYPE.grant, contextId: deviceId, epoch: keychainSeq } as const;
  const grant = decodeGrant(await openAsRecipient({ bytes: sealed, expect, seed }));
  const genesis = keychain.entryHashes[0] as Uint8Array;
  if (!equalBytes(grant.accountId, keychain.accountId) || !equalBytes(grant.genesisHash, genesis)) {
    throw new DeviceFaultError('grant-stale', 'open grant: it is of another account');
  }
  return grant;
}

function inOrder<T>(byEpoch: ReadonlyMap<number, T>, last: number): readonly T[] {
  return Array.from({ length: last + 1 }, (_, epoch) => {
    const key = byEpoch.get(epoch);
    if (key === undefined)
      throw new DeviceFaultError('grant-stale', `make grant: the key of epoch ${epoch} is missing`);
    return key;
  });
}

function readKeyList(fields: RecordFields, key: number): readonly Uint8Array[] {
  const keys = fields.idList(key, 32);
  if (keys.length === 0) throw fields.fault(key, 'no key');
  return keys;
}
