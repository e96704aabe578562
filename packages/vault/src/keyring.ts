/**
 * The account keyring (security.md §3.2): every long-lived secret of the account, sealed under a key from the root key.
 * Sealed object 0x01, contextId = accountId, epoch = generation; payload CBOR
 *
 * ```
 * {0:1, 1:accountId, 2:generation, 3:AIK seed, 4:AXK seed, 5:[vault], 6:[keychain seq, entryHash]}
 * vault = {0:vaultId, 1:idKey, 2:chunkerKey, 3:[[indexKey_e, readKey_e seed], …] with e = place in the list}
 * ```
 */
import { type CborValue, encodeCbor, equalBytes, toHex } from '@keephold/bytes';
import {
  type AccountRootKey,
  asKey,
  type ChunkerKey,
  type Ed25519Seed,
  type IdKey,
  type IndexKey,
  OBJECT_TYPE,
  openObject,
  type RandomSource,
  sealObject,
  type XWingSeed,
} from '@keephold/crypto';
import {
  type AccountId,
  asAccountId,
  asVaultId,
  type ChainPin,
  decodeRecord,
  HASH_LENGTH,
  MalformedRecordError,
  RecordFields,
  type VaultId,
} from '@keephold/protocol';
import { keyringKey } from './account-keys.ts';
import { AccountFaultError } from './errors.ts';

const VERSION = 1;

export interface EpochKeys {
  readonly indexKey: IndexKey;
  /** Private half of readKey. */
  readonly readKeySeed: XWingSeed;
}

export interface VaultSecrets {
  readonly vaultId: VaultId;
  readonly idKey: IdKey;
  readonly chunkerKey: ChunkerKey;
  /** Index is the epoch; never empty. */
  readonly epochs: readonly EpochKeys[];
}

export interface Keyring {
  readonly accountId: AccountId;
  readonly generation: number;
  /** AIK. */
  readonly identitySeed: Ed25519Seed;
  /** AXK. */
  readonly exchangeSeed: XWingSeed;
  readonly vaults: readonly VaultSecrets[];
  /** The keychain when the keyring was written: an older log is a rollback. */
  readonly keychainPin: ChainPin;
}

export function encodeKeyring(keyring: Keyring): Uint8Array<ArrayBuffer> {
  return encodeCbor(
    new Map<number, CborValue>([
      [0, VERSION],
      [1, keyring.accountId],
      [2, keyring.generation],
      [3, keyring.identitySeed],
      [4, keyring.exchangeSeed],
      [5, keyring.vaults.map(vaultMap)],
      [6, [keyring.keychainPin.seq, keyring.keychainPin.hash]],
    ]),
  );
}

/** @throws MalformedRecordError */
export function decodeKeyring(payload: Uint8Array): Keyring {
  const fields = decodeRecord(payload, 'keyring');
  fields.uint(0, VERSION, VERSION);
  const keyring = {
    accountId: asAccountId(fields.bytes(1)),
    generation: fields.uint(2, 1, 0xffff_ffff),
    identitySeed: asKey('Ed25519Seed', fields.bytes(3, 32)),
    exchangeSeed: asKey('XWingSeed', fields.bytes(4, 32)),
    vaults: readVaults(fields),
    keychainPin: readPin(fields, 6),
  };
  fields.end();
  return keyring;
}

/** A pin as `[seq, hash]`. */
export function readPin(fields: RecordFields, key: number): ChainPin {
  const pin = fields.take(key);
  if (!Array.isArray(pin) || pin.length !== 2) throw fields.fault(key, 'not a pin');
  const [seq, hash] = pin as readonly CborValue[];
  if (typeof seq !== 'number' || seq < 0 || !(hash instanceof Uint8Array) || hash.length !== HASH_LENGTH) {
    throw fields.fault(key, 'not a pin');
  }
  return { seq, hash };
}

export function sealKeyring(keyring: Keyring, ark: AccountRootKey, random: RandomSource): Promise<Uint8Array> {
  return sealObject({
    type: OBJECT_TYPE.keyring,
    contextId: keyring.accountId,
    epoch: keyring.generation,
    key: keyringKey(ark, keyring.accountId),
    payload: encodeKeyring(keyring),
    random,
  });
}

export interface OpenKeyringOptions {
  readonly ark: AccountRootKey;
  readonly accountId: AccountId;
  /** Of the root key, from the slot. */
  readonly generation: number;
}

/** @throws AccountFaultError when it is damaged, or of another account or generation. */
export async function openKeyring(sealed: Uint8Array, options: OpenKeyringOptions): Promise<Keyring> {
  const { accountId, generation } = options;
  const keyring = await openSealedKeyring(sealed, options).catch((cause: unknown) => {
    throw new AccountFaultError('keyring-damaged', 'open keyring: it is damaged or of another account', { cause });
  });
  if (!equalBytes(keyring.accountId, accountId) || keyring.generation !== generation) {
    throw new AccountFaultError('account-mismatch', 'open keyring: its content is of another account or generation');
  }
  return keyring;
}

async function openSealedKeyring(sealed: Uint8Array, options: OpenKeyringOptions): Promise<Keyring> {
  const { ark, accountId, generation } = options;
  const expect = { type: OBJECT_TYPE.keyring, contextId: accountId, epoch: generation };
  return decodeKeyring(await openObject({ bytes: sealed, expect, key: keyringKey(ark, accountId) }));
}

function vaultMap(vault: VaultSecrets): CborValue {
  return new Map<number, CborValue>([
    [0, vault.vaultId],
    [1, vault.idKey],
    [2, vault.chunkerKey],
    [3, vault.epochs.map((epoch) => [epoch.indexKey, epoch.readKeySeed])],
  ]);
}

function readVaults(fields: RecordFields): readonly VaultSecrets[] {
  const list = fields.take(5);
  if (!Array.isArray(list)) throw fields.fault(5, 'not an array');
  const vaults = (list as readonly CborValue[]).map(readVault);
  if (new Set(vaults.map((vault) => toHex(vault.vaultId))).size !== vaults.length) {
    throw fields.fault(5, 'list holds one vault twice');
  }
  return vaults;
}

function readVault(value: CborValue): VaultSecrets {
  const fields = new RecordFields(value, 'vault of the keyring');
  const epochs = fields.take(3);
  if (!Array.isArray(epochs) || epochs.length === 0) throw fields.fault(3, 'not a list of epochs');
  const vault = {
    vaultId: asVaultId(fields.bytes(0)),
    idKey: asKey('IdKey', fields.bytes(1, 32)),
    chunkerKey: asKey('ChunkerKey', fields.bytes(2, 32)),
    epochs: (epochs as readonly CborValue[]).map(readEpoch),
  };
  fields.end();
  return vault;
}

function readEpoch(value: CborValue): EpochKeys {
  const [indexKey, seed, ...more] = Array.isArray(value) ? (value as readonly CborValue[]) : [];
  const isKey = (key: CborValue | undefined): key is Uint8Array => key instanceof Uint8Array && key.length === 32;
  if (!isKey(indexKey) || !isKey(seed) || more.length > 0) {
    throw new MalformedRecordError('read keyring: an epoch is not a pair of keys');
  }
  return { indexKey: asKey('IndexKey', indexKey), readKeySeed: asKey('XWingSeed', seed) };
}
