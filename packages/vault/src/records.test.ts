import { type CborKey, type CborValue, decodeCbor, encodeCbor, toHex } from '@keephold/bytes';
import { asKey, generateXWing, IntegrityError, objectName } from '@keephold/crypto';
import {
  asAccountId,
  asDeviceId,
  asObjectName,
  asVaultId,
  MalformedRecordError,
  RollbackError,
  walkKeychain,
} from '@keephold/protocol';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { NOW, seededRandom, type TestAccount, testAccount } from './_memory-account.ts';
import {
  decodeDeviceState,
  encodeDeviceState,
  readKeysOf,
  readKeysRecord,
  withChain,
  withoutReadKeys,
  withPins,
  withReadKeys,
} from './device-state.ts';
import { DeviceFaultError } from './errors.ts';
import { decodeGrant, encodeGrant, type Grant, openGrant, sealGrant } from './grant.ts';
import { signKeychainEntry } from './keychain-append.ts';
import { decodeKeyring, encodeKeyring, type Keyring, openKeyring, sealKeyring } from './keyring.ts';
import { recordVerifier } from './record-verifier.ts';
import { startSession } from './session-chain.ts';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const key = <N extends 'IdKey' | 'ChunkerKey' | 'IndexKey' | 'XWingSeed' | 'Ed25519Seed'>(name: N) =>
  bytes(32).map((value) => asKey(name, value));
const pin = fc.record({ seq: fc.nat(), hash: bytes(32) });

const arbitraryKeyring: fc.Arbitrary<Keyring> = fc.record({
  accountId: bytes(16).map(asAccountId),
  generation: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
  identitySeed: key('Ed25519Seed'),
  exchangeSeed: key('XWingSeed'),
  vaults: fc.uniqueArray(
    fc.record({
      vaultId: bytes(16).map(asVaultId),
      idKey: key('IdKey'),
      chunkerKey: key('ChunkerKey'),
      epochs: fc.array(fc.record({ indexKey: key('IndexKey'), readKeySeed: key('XWingSeed') }), {
        minLength: 1,
        maxLength: 3,
      }),
    }),
    { maxLength: 3, selector: (vault) => toHex(vault.vaultId) },
  ),
  keychainPin: pin,
});

const distinctKeys = <N extends 'IndexKey' | 'XWingSeed'>(name: N) =>
  fc.uniqueArray(key(name), { minLength: 2, maxLength: 2, selector: toHex });
const arbitraryGrant: fc.Arbitrary<Grant> = fc.record({
  vaultId: bytes(16).map(asVaultId),
  accountId: bytes(16).map(asAccountId),
  idKey: key('IdKey'),
  chunkerKey: key('ChunkerKey'),
  indexKeys: distinctKeys('IndexKey'),
  readKeyPublic: bytes(1216),
  genesisHash: bytes(32),
  keychainPin: pin,
  headPin: fc.option(pin, { nil: undefined }),
  readKeySeeds: fc.option(distinctKeys('XWingSeed'), { nil: undefined }),
});

/** Each field given a wrong value, and a foreign field. */
function damaged(record: Uint8Array): Uint8Array[] {
  const map = decodeCbor(record) as Map<CborKey, CborValue>;
  const wrong: CborValue[] = ['text', -1, new Uint8Array(7), [], [1], new Map()];
  const bad = [...map.keys()].flatMap((at) => wrong.map((value) => new Map(map).set(at, value)));
  return [...bad, new Map(map).set(23, 0)].map((fields) => encodeCbor(fields));
}

let made: TestAccount;
beforeAll(async () => {
  made = await testAccount(31, { role: 'trusted' });
});

describe('keyring', () => {
  it('reads back what it writes and refuses damage', () => {
    fc.assert(
      fc.property(arbitraryKeyring, (keyring) => {
        expect(decodeKeyring(encodeKeyring(keyring))).toEqual(keyring);
      }),
    );
    const { keyring } = made.account.unlocked;
    // A keyring without vaults is a keyring.
    const bad = damaged(encodeKeyring(keyring)).filter((record) => {
      const vaults = (decodeCbor(record) as Map<number, CborValue>).get(5);
      return !(Array.isArray(vaults) && vaults.length === 0);
    });
    for (const record of bad) expect(() => decodeKeyring(record)).toThrow(MalformedRecordError);
    const twice = { ...keyring, vaults: [...keyring.vaults, ...keyring.vaults] };
    expect(() => decodeKeyring(encodeKeyring(twice))).toThrow(/twice/);
  });

  it('opens under its root key, account and generation only', async () => {
    const { keyring, secret, accountId } = made.account.unlocked;
    const sealed = await sealKeyring(keyring, secret.ark, seededRandom(2));
    const right = { ark: secret.ark, accountId, generation: 1 };
    expect(await openKeyring(sealed, right)).toEqual(keyring);
    const other = asKey('AccountRootKey', new Uint8Array(32));
    for (const wrong of [
      { ...right, ark: other },
      { ...right, generation: 2 },
      { ...right, accountId: asAccountId(new Uint8Array(16)) },
    ]) {
      await expect(openKeyring(sealed, wrong)).rejects.toMatchObject({ code: 'keyring-damaged' });
    }
  });
});

describe('grant', () => {
  it('reads back what it writes and refuses damage', () => {
    fc.assert(
      fc.property(arbitraryGrant, (grant) => {
        expect(decodeGrant(encodeGrant(grant))).toEqual(grant);
      }),
    );
    for (const record of damaged(encodeGrant(made.account.device.grant))) {
      expect(() => decodeGrant(record)).toThrow(MalformedRecordError);
    }
  });

  it('opens for its device when the keychain names it, and not otherwise', async () => {
    const { unlocked, device } = made.account;
    const { identity, keychain, accountId } = unlocked;
    const recipient = await generateXWing(seededRandom(4));
    const { grant, deviceId } = device;
    const seq = keychain.seq + 1;
    const place = { deviceId, recipient: recipient.publicKey, keychainSeq: seq, random: seededRandom(5) };
    const sealed = await sealGrant({ ...place, grant });
    const open = { sealed, deviceId, keychain, keychainSeq: seq, seed: recipient.seed };
    await expect(openGrant(open)).rejects.toThrow(DeviceFaultError);
    const name = asObjectName(objectName(sealed));
    const body = { kind: 'set-role', deviceId, role: 'trusted', grants: [name] } as const;
    const entry = signKeychainEntry({ accountId, seq, prevHash: keychain.hash, time: 1, body }, identity);
    const named = walkKeychain([...made.custody.entries, entry], recordVerifier);
    expect(await openGrant({ ...open, keychain: named })).toEqual(grant);
    await expect(openGrant({ ...open, keychain: named, keychainSeq: seq + 1 })).rejects.toThrow(IntegrityError);
    const stranger = asDeviceId(new Uint8Array(16));
    await expect(openGrant({ ...open, keychain: named, deviceId: stranger })).rejects.toThrow(IntegrityError);
    const { seed } = await generateXWing(seededRandom(6));
    await expect(openGrant({ ...open, keychain: named, seed })).rejects.toThrow(IntegrityError);
  });
});

describe('device state', () => {
  it('reads back what it writes, with and without a chain', async () => {
    const { device } = made.account;
    expect(decodeDeviceState(encodeDeviceState(device))).toEqual(device);
    let stored = device;
    await startSession({
      chain: undefined,
      vaultId: device.grant.vaultId,
      deviceId: device.deviceId,
      epoch: 0,
      readKeyPublic: device.grant.readKeyPublic,
      machineId: 'machine',
      now: NOW,
      random: seededRandom(8),
      persist: async (chain) => {
        stored = withChain(stored, chain);
      },
    });
    expect(stored.chain).toBeDefined();
    expect(decodeDeviceState(encodeDeviceState(stored))).toEqual(stored);
  });

  it('gives one typed error for any damage', () => {
    const record = encodeDeviceState(made.account.device);
    for (const bad of damaged(record)) expect(() => decodeDeviceState(bad)).toThrow(DeviceFaultError);
    for (let cut = 0; cut < record.length; cut += 101) {
      expect(() => decodeDeviceState(record.subarray(0, cut))).toThrow(DeviceFaultError);
    }
    const otherKey = new Map(decodeCbor(record) as Map<CborKey, CborValue>).set(2, new Uint8Array(32));
    expect(() => decodeDeviceState(encodeCbor(otherKey))).toThrow(DeviceFaultError);
  });

  it('keeps read keys apart when asked', async () => {
    const { device } = made.account;
    const bare = withoutReadKeys(device);
    const record = readKeysRecord(device) as Uint8Array;
    expect(readKeysOf(bare)).toBeUndefined();
    expect(readKeysRecord(bare)).toBeUndefined();
    expect(toHex(encodeDeviceState(bare))).not.toContain(toHex(device.grant.readKeySeeds?.[0] as Uint8Array));
    expect(withReadKeys(bare, record)).toEqual(device);
    const other = await testAccount(32);
    expect(() => withReadKeys(other.account.device, record)).toThrow(DeviceFaultError);
    expect(() => withReadKeys(bare, record.subarray(1))).toThrow(DeviceFaultError);
  });

  it('moves pins forward only', () => {
    const { device } = made.account;
    const head = { seq: 4, hash: new Uint8Array(32).fill(4) };
    const pinned = withPins(device, { head });
    expect(pinned.grant.headPin).toEqual(head);
    expect(withPins(pinned, {}).grant.headPin).toEqual(head);
    expect(() => withPins(pinned, { head: { ...head, seq: 3 } })).toThrow(RollbackError);
    expect(() => withPins(pinned, { keychain: { seq: 0, hash: head.hash } })).toThrow(RangeError);
  });
});
