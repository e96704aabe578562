import { concatBytes, toHex, utf8Encode } from '@keephold/bytes';
import { asDeviceId, deviceRecord, walkKeychain } from '@keephold/protocol';
import { expect, it } from 'vitest';
import { NOW, PASSWORD, seededRandom, testAccount } from './_memory-account.ts';
import { recordVerifier } from './record-verifier.ts';
import { renameDevice } from './rename-device.ts';
import { openName } from './sealed-name.ts';
import { unlockWithPassword } from './unlock.ts';

const random = seededRandom(77);

async function made() {
  const { account, custody } = await testAccount(5);
  const { deviceId } = account.device;
  const rename = async (name: string) =>
    await renameDevice(await unlockWithPassword(custody, PASSWORD), { custody, deviceId, name, now: NOW, random });
  const nameNow = async () => {
    const sealed = deviceRecord(walkKeychain(custody.entries, recordVerifier), deviceId)?.sealedName;
    return await openName(sealed as Uint8Array, { ...account.unlocked.secret, accountId: account.accountId });
  };
  return { account, custody, rename, nameNow };
}

it('gives a device another name, which no entry has in the clear, and the last one counts', async () => {
  const { custody, rename, nameNow } = await made();
  await rename('a box in the attic');
  await rename('Großmutters Rechner 🏠');
  expect(await nameNow()).toBe('Großmutters Rechner 🏠');
  const stored = toHex(concatBytes(...custody.entries));
  for (const part of ['attic', 'Großmutters']) expect(stored).not.toContain(toHex(utf8Encode(part)));
});

it('writes nothing for the name that the device has', async () => {
  const { custody, rename } = await made();
  await rename('attic');
  const entries = custody.entries.length;
  await rename('attic');
  expect(custody.entries.length).toBe(entries);
});

it('keeps what another app appended first', async () => {
  const { account, custody, nameNow } = await made();
  const { deviceId } = account.device;
  const stale = await unlockWithPassword(custody, PASSWORD);
  await renameDevice(stale, { custody, deviceId, name: 'first', now: NOW, random });
  const after = await renameDevice(stale, { custody, deviceId, name: 'second', now: NOW, random });
  expect(await nameNow()).toBe('second');
  expect(after.keychain.seq).toBe(custody.entries.length - 1);
});

it('refuses devices that are not there, and what is no name', async () => {
  const { account, custody, rename } = await made();
  const before = custody.entries.length;
  for (const name of ['', 'x'.repeat(256), 'half \ud83c']) {
    await expect(rename(name)).rejects.toMatchObject({ code: 'bad-name' });
  }
  const unknown = { custody, deviceId: asDeviceId(new Uint8Array(16)), name: 'x', now: NOW, random };
  await expect(renameDevice(account.unlocked, unknown)).rejects.toMatchObject({ code: 'no-such-device' });
  expect(custody.entries.length).toBe(before);
});
