/** Accounts on a server: made from an OPAQUE export key, opened again with it or with the words, bound to the server. */
import { toHex } from '@keephold/bytes';
import { asKey, ed25519FromSeed } from '@keephold/crypto';
import { asAccountId, walkKeychain } from '@keephold/protocol';
import { describe, expect, it } from 'vitest';
import { CHEAP_ARGON, MemoryAccount, NOW, seededRandom } from './_memory-account.ts';
import {
  AccountFaultError,
  type CreatedAccount,
  createServerAccount,
  enrolDevice,
  openDevice,
  publishAccount,
  readKeys,
  recordVerifier,
  recoveryCredentials,
  recoveryEntry,
  renewGrant,
  revokeDevice,
  unlockWithExportKey,
  unlockWithWords,
  WrongPasswordError,
} from './index.ts';

const accountId = asAccountId(new Uint8Array(16).fill(7));
const exportKey = new Uint8Array(64).fill(8);
const serverKey = new Uint8Array(32).fill(9);
const eventKey = ed25519FromSeed(asKey('Ed25519Seed', new Uint8Array(32).fill(10))).publicKey;

async function newAccount(seed: number): Promise<{ account: CreatedAccount; custody: MemoryAccount }> {
  const account = await createServerAccount({
    accountId,
    exportKey,
    cost: CHEAP_ARGON,
    server: { eventKey, opaqueKey: serverKey },
    now: NOW,
    random: seededRandom(seed),
    role: 'trusted',
  });
  const custody = new MemoryAccount(accountId);
  await publishAccount(custody, account);
  return { account, custody };
}

describe('an account on a server', () => {
  it('opens with the export key, pins the keys of its server, and has no other password', async () => {
    const { account, custody } = await newAccount(1);
    const unlocked = await unlockWithExportKey(custody, { exportKey, serverKey });
    expect(unlocked.method).toBe('opaque');
    expect(unlocked.secret.ark).toEqual(account.unlocked.secret.ark);
    const { eventKey: pinned, opaqueKey } = walkKeychain(custody.entries, recordVerifier);
    expect([pinned, opaqueKey]).toEqual([eventKey, serverKey]);
    const wrong = { exportKey: exportKey.map((byte) => byte ^ 1), serverKey };
    await expect(unlockWithExportKey(custody, wrong)).rejects.toBeInstanceOf(WrongPasswordError);
  });

  it('stops when the server that answered is not the one it was made with', async () => {
    const { custody } = await newAccount(2);
    const other = { exportKey, serverKey: new Uint8Array(32) };
    await expect(unlockWithExportKey(custody, other)).rejects.toBeInstanceOf(AccountFaultError);
  });

  it('is found and signed in to with the words alone, with a key that no other account gets', async () => {
    const { account, custody } = await newAccount(3);
    const words = account.words ?? [];
    const kept = await recoveryEntry(words, accountId);
    const credentials = await recoveryCredentials(words.join('  ').toUpperCase());
    expect(credentials.recoveryId).toEqual(kept.recoveryId);
    expect(credentials.keyFor(accountId).publicKey).toEqual(kept.publicKey);
    const other = asAccountId(new Uint8Array(16).fill(1));
    expect(credentials.keyFor(other).publicKey).not.toEqual(kept.publicKey);
    expect((await unlockWithWords(custody, words)).accountId).toEqual(accountId);
  });
});

describe('revoking a device', () => {
  async function withTwoMore(seed: number) {
    const { account, custody } = await newAccount(seed);
    const common = { custody, vaultId: account.vaultId, now: NOW, random: seededRandom(seed + 50) };
    const lost = await enrolDevice(account.unlocked, { ...common, role: 'trusted' });
    const kept = await enrolDevice(lost.unlocked, { ...common, role: 'backup-only' });
    const heads = new Map<string, never>();
    const options = { custody, deviceId: lost.state.deviceId, heads, now: NOW, random: seededRandom(seed + 90) };
    return { account, custody, lost: lost.state, kept: kept.state, unlocked: kept.unlocked, options };
  }

  it('ends its right to write and renews the keys of the others, each as far as its role goes', async () => {
    const { account, custody, lost, kept, unlocked, options } = await withTwoMore(4);
    const after = await revokeDevice(unlocked, options);
    await expect(openDevice(custody, lost)).rejects.toMatchObject({ code: 'device-revoked' });
    await expect(openDevice(custody, kept)).rejects.toMatchObject({ code: 'grant-stale' });
    const renewed = await renewGrant(custody, kept, after.keychain);
    const first = await renewGrant(custody, account.device, after.keychain);
    expect(renewed?.grant.indexKeys.length).toBe(2);
    expect(renewed?.grant.readKeySeeds).toBeUndefined();
    expect(first?.grant.readKeySeeds?.length).toBe(2);
    expect(renewed?.chain).toBeUndefined();
    await openDevice(custody, renewed ?? kept);
    expect(await renewGrant(custody, kept, account.unlocked.keychain).catch((error: unknown) => error)).toMatchObject({
      code: 'rollback',
    });
    await expect(renewGrant(custody, lost, after.keychain)).resolves.toBeUndefined();
    const opened = await unlockWithExportKey(custody, { exportKey, serverKey });
    expect(readKeys(opened, account.vaultId).indexKeys.get(1)).toEqual(renewed?.grant.indexKeys[1]);
  });

  it('can be repeated after a crash at any write, and ends with one rotation', async () => {
    for (let writes = 0; ; writes++) {
      const { account, custody, kept, unlocked, options } = await withTwoMore(5);
      custody.writesLeft = writes;
      const outcome = await revokeDevice(unlocked, options).catch((error: unknown) => error);
      custody.writesLeft = Number.POSITIVE_INFINITY;
      const again = await unlockWithExportKey(custody, { exportKey, serverKey });
      const after = await revokeDevice(again, options);
      expect(after.keychain.vaults.get(toHex(account.vaultId))?.epochs.length).toBe(2);
      expect((await renewGrant(custody, kept, after.keychain))?.grant.indexKeys.length).toBe(2);
      if (!(outcome instanceof Error)) break;
    }
  });

  it('of two apps that revoke at once makes keys that agree', async () => {
    const { account, custody, kept, unlocked, options } = await withTwoMore(6);
    const two = { ...options, deviceId: kept.deviceId };
    const [one, other] = await Promise.all([revokeDevice(unlocked, options), revokeDevice(unlocked, two)]);
    const opened = await unlockWithExportKey(custody, { exportKey, serverKey });
    const longest = one.keychain.seq > other.keychain.seq ? one : other;
    expect(opened.keychain.hash).toEqual(longest.keychain.hash);
    const renewed = await renewGrant(custody, account.device, opened.keychain);
    expect(renewed?.grant.indexKeys.at(-1)).toEqual(
      readKeys(opened, account.vaultId).indexKeys.get((renewed?.grant.indexKeys.length ?? 0) - 1),
    );
  });
});
