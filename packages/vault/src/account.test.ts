import { toHex } from '@keephold/bytes';
import { DowngradeError, generateEd25519, InvalidWordsError } from '@keephold/crypto';
import {
  activeSlots,
  asAccountId,
  ChainError,
  deviceRecord,
  ForkError,
  RollbackError,
  vaultRecord,
  walkKeychain,
} from '@keephold/protocol';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  CHEAP_ARGON,
  MemoryAccount,
  NOW,
  PASSWORD,
  seededRandom,
  type TestAccount,
  testAccount,
} from './_memory-account.ts';
import { setPolicy } from './change-policy.ts';
import { createAccount, DEFAULT_VAULT_POLICY, publishAccount } from './create-account.ts';
import { readKeysOf, writeKeysOf } from './device-state.ts';
import { enrolDevice } from './enrol-device.ts';
import { AccountFaultError, WrongPasswordError } from './errors.ts';
import { signKeychainEntry } from './keychain-append.ts';
import { openDevice } from './open-device.ts';
import { recordVerifier } from './record-verifier.ts';
import { openName } from './sealed-name.ts';
import { decodeSlotRecord, encodeSlotRecord } from './slot-record.ts';
import { unlockWithPassword, unlockWithWords } from './unlock.ts';
import { onlyVault, readKeys } from './unlocked.ts';

let made: TestAccount;
beforeAll(async () => {
  made = await testAccount(1);
});

describe('a new account', () => {
  it('unlocks with its password and with its words to the same keys, writing nothing', async () => {
    const { account, custody } = made;
    const byPassword = await unlockWithPassword(custody, PASSWORD);
    const byWords = await unlockWithWords(custody, account.words as readonly string[]);
    expect(byPassword.secret).toEqual(account.unlocked.secret);
    expect(byWords.secret).toEqual(account.unlocked.secret);
    expect(byWords.method).toBe('words');
    expect(onlyVault(byPassword.keychain)).toEqual(account.vaultId);
    expect(readKeys(byPassword, account.vaultId)).toEqual(readKeys(account.unlocked, account.vaultId));
    expect(custody.writes).toEqual([]);
  });

  it('gives its first device what writing needs and nothing to read with', () => {
    const { account } = made;
    const write = writeKeysOf(account.device);
    const read = readKeys(account.unlocked, account.vaultId);
    expect(write.idKey).toEqual(read.idKey);
    expect(write.indexKeys).toEqual(read.indexKeys);
    expect(write.readKeyPublic).toEqual(read.readKeyPublic);
    expect(readKeysOf(account.device)).toBeUndefined();
    expect(JSON.stringify(account.device.grant)).not.toContain(JSON.stringify(read.readKeySeeds.get(0)));
  });

  it('gives a trusted device the read keys too', async () => {
    const { account } = await testAccount(2, { role: 'trusted' });
    expect(readKeysOf(account.device)).toEqual(readKeys(account.unlocked, account.vaultId));
  });

  it('says in its keychain who and what it is', async () => {
    const { account, custody } = made;
    const keychain = walkKeychain(custody.entries, recordVerifier);
    const device = deviceRecord(keychain, account.device.deviceId);
    expect(device?.role).toBe('backup-only');
    const context = { ...account.unlocked.secret, accountId: account.accountId };
    expect(await openName(device?.sealedName as Uint8Array, context)).toBe('laptop');
    expect(vaultRecord(keychain, account.vaultId).policy).toEqual(DEFAULT_VAULT_POLICY);
    expect(activeSlots(keychain).map((slot) => slot.method)).toEqual(['local-password', 'words']);
  });

  it('can do without words when told so', async () => {
    const { account } = await testAccount(3, { words: false });
    expect(account.words).toBeUndefined();
    expect(account.slots).toHaveLength(1);
  });

  it('refuses an empty password', async () => {
    const options = { now: NOW, random: seededRandom(4), role: 'trusted', argon: CHEAP_ARGON } as const;
    await expect(createAccount({ ...options, password: '' })).rejects.toThrow(/empty/);
  });

  it('is published with its slots last, and again after a crash at any step', async () => {
    const { account } = made;
    const whole = new MemoryAccount(account.accountId);
    await publishAccount(whole, account);
    expect(whole.writes.at(-1)).toBe('putSlot');
    for (let steps = 0; steps < whole.writes.length; steps++) {
      const custody = new MemoryAccount(account.accountId);
      custody.writesLeft = steps;
      await expect(publishAccount(custody, account)).rejects.toThrow('power cut');
      custody.writesLeft = Number.POSITIVE_INFINITY;
      await publishAccount(custody, account);
      expect(custody.entries).toEqual(whole.entries);
      expect(custody.slotRecords).toEqual(whole.slotRecords);
    }
  });
});

describe('publishing', () => {
  it('refuses a place that has another account', async () => {
    const other = await testAccount(8);
    await expect(publishAccount(made.custody.clone(), other.account)).rejects.toMatchObject({ code: 'not-empty' });
  });
});

describe('unlocking', () => {
  it('gives one error for a wrong password, damaged slots and wrong words', async () => {
    const { account, custody } = made;
    await expect(unlockWithPassword(custody, 'wrong')).rejects.toThrow(WrongPasswordError);
    const damaged = custody.clone();
    for (const [id, record] of damaged.slotRecords) {
      const copy = record.slice();
      copy[copy.length - 1] = (copy[copy.length - 1] as number) ^ 1;
      damaged.slotRecords.set(id, copy);
    }
    await expect(unlockWithPassword(damaged, PASSWORD)).rejects.toThrow(WrongPasswordError);
    await expect(unlockWithWords(damaged, account.words as readonly string[])).rejects.toThrow(WrongPasswordError);
    const other = await testAccount(5);
    await expect(unlockWithWords(custody, other.account.words as readonly string[])).rejects.toThrow(
      WrongPasswordError,
    );
    await expect(unlockWithWords(custody, 'abandon '.repeat(24))).rejects.toThrow(InvalidWordsError);
  });

  it('refuses edited Argon2 costs before computing', async () => {
    const { custody } = made;
    for (const memoryKiB of [1024, 1 << 30]) {
      const edited = custody.clone();
      for (const [id, bytes] of custody.slotRecords) {
        const record = decodeSlotRecord(bytes);
        if (record.method !== 'local-password') continue;
        const parameters = new Map(record.parameters).set(1, memoryKiB);
        edited.slotRecords.set(id, encodeSlotRecord({ ...record, parameters }));
      }
      await expect(unlockWithPassword(edited, PASSWORD)).rejects.toThrow(DowngradeError);
    }
  });

  it('stops when records of another account are mixed in', async () => {
    const other = await testAccount(6);
    const { custody } = made;
    const keyring = custody.clone();
    keyring.sealedKeyring = other.custody.sealedKeyring;
    await expect(unlockWithPassword(keyring, PASSWORD)).rejects.toThrow(AccountFaultError);
    keyring.sealedKeyring = undefined;
    await expect(unlockWithPassword(keyring, PASSWORD)).rejects.toMatchObject({ code: 'keyring-missing' });
    const keychain = custody.clone();
    keychain.entries.splice(0, keychain.entries.length, ...other.custody.entries);
    await expect(unlockWithPassword(keychain, PASSWORD)).rejects.toMatchObject({ code: 'account-mismatch' });
    const slots = custody.clone();
    slots.slotRecords.clear();
    for (const [id, record] of other.custody.slotRecords) slots.slotRecords.set(id, record);
    await expect(unlockWithPassword(slots, PASSWORD)).rejects.toThrow(WrongPasswordError);
  });

  it('stops when the keychain is not the one the keyring was written with', async () => {
    const { account, custody } = made;
    const cut = custody.clone();
    cut.entries.length = 4;
    await expect(unlockWithPassword(cut, PASSWORD)).rejects.toThrow(RollbackError);
    // The keeper cannot continue the log by itself: it lacks the identity key.
    const forged = custody.clone();
    const { accountId, keychain } = account.unlocked;
    const entry = { accountId, seq: keychain.seq + 1, prevHash: keychain.hash, time: 1 };
    const body = { kind: 'set-policy', vaultId: account.vaultId, policy: DEFAULT_VAULT_POLICY } as const;
    forged.entries.push(signKeychainEntry({ ...entry, body }, generateEd25519(seededRandom(66))));
    const isDamage = { code: 'keychain-damaged', cause: expect.any(ChainError) };
    await expect(unlockWithPassword(forged, PASSWORD)).rejects.toMatchObject({
      ...isDamage,
      message: expect.stringContaining(`account/keychain/${String(entry.seq).padStart(10, '0')}`),
    });
    const edited = custody.clone();
    const bytes = (edited.entries[2] as Uint8Array).slice();
    bytes[100] = (bytes[100] as number) ^ 1;
    edited.entries[2] = bytes;
    await expect(unlockWithPassword(edited, PASSWORD)).rejects.toMatchObject(isDamage);
  });
});

describe('owner acts', () => {
  it('sign again on top when another writer was first', async () => {
    const { account, custody } = made;
    const both = custody.clone();
    const other = both.clone();
    await setPolicy(
      account.unlocked,
      { ...DEFAULT_VAULT_POLICY, trashDays: 7 },
      {
        custody: other,
        vaultId: account.vaultId,
        now: NOW,
      },
    );
    both.beforeAppend = () => {
      both.entries.push(other.entries.at(-1) as Uint8Array);
      both.beforeAppend = () => undefined;
    };
    const after = await setPolicy(
      account.unlocked,
      { ...DEFAULT_VAULT_POLICY, trashDays: 9 },
      {
        custody: both,
        vaultId: account.vaultId,
        now: NOW,
      },
    );
    expect(after.keychain.seq).toBe(account.unlocked.keychain.seq + 2);
    expect(vaultRecord(after.keychain, account.vaultId).policy.trashDays).toBe(9);
    expect(walkKeychain(both.entries, recordVerifier).hash).toEqual(after.keychain.hash);
  });

  it('enrol a second device, which opens the vault from its state alone', async () => {
    const { account, custody } = made;
    const shared = custody.clone();
    const unlocked = await unlockWithPassword(shared, PASSWORD);
    const { state } = await enrolDevice(unlocked, {
      custody: shared,
      vaultId: account.vaultId,
      role: 'trusted',
      name: 'desktop',
      now: NOW,
      random: seededRandom(9),
    });
    expect(toHex(state.deviceId)).not.toBe(toHex(account.device.deviceId));
    const opened = await openDevice(shared, state);
    expect(opened.keychain.devices.size).toBe(2);
    expect(readKeysOf(opened.state)).toEqual(readKeys(unlocked, account.vaultId));
    // The first device follows, and sees when it is shown the older log again.
    const first = await openDevice(shared, account.device);
    expect(first.state.grant.keychainPin.seq).toBe(unlocked.keychain.seq + 1);
    await expect(openDevice(custody, first.state)).rejects.toThrow(RollbackError);
  });

  it('end a revoked device and one with keys of an earlier epoch', async () => {
    const { account, custody } = made;
    const { accountId, keychain, identity } = account.unlocked;
    const base = { accountId, seq: keychain.seq + 1, prevHash: keychain.hash, time: 1 };
    const revoked = custody.clone();
    const { deviceId } = account.device;
    revoked.entries.push(signKeychainEntry({ ...base, body: { kind: 'revoke-device', deviceId } }, identity));
    await expect(openDevice(revoked, account.device)).rejects.toMatchObject({ code: 'device-revoked' });
    const rotated = custody.clone();
    const { readKeyPublic: readKey } = writeKeysOf(account.device);
    const body = { kind: 'rotate-epoch', vaultId: account.vaultId, epoch: 1, readKey, grants: [] } as const;
    rotated.entries.push(signKeychainEntry({ ...base, body }, identity));
    await expect(openDevice(rotated, account.device)).rejects.toMatchObject({ code: 'grant-stale' });
    // The keyring lacks that epoch: it is older than the keychain.
    const unlocked = await unlockWithPassword(rotated, PASSWORD);
    expect(() => readKeys(unlocked, account.vaultId)).toThrow(RollbackError);
  });

  it('refuse a keychain that begins differently', async () => {
    const { account } = made;
    const other = await testAccount(7);
    await expect(openDevice(other.custody, account.device)).rejects.toThrow(ForkError);
    expect(() => asAccountId(new Uint8Array(15))).toThrow(/15 bytes/);
  });
});
