/** In Node only: dozens of stretched passwords take a minute in a browser; account.test.ts stretches there too. */
import { activeSlots } from '@keephold/protocol';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  CHEAP_ARGON,
  type MemoryAccount,
  NOW,
  PASSWORD,
  seededRandom,
  type TestAccount,
  testAccount,
} from './_memory-account.ts';
import {
  addPasswordSlot,
  addWordsSlot,
  changePassword,
  type PasswordChange,
  removeSlot,
  verifyWords,
} from './change-slots.ts';
import { LastSlotError, WrongPasswordError } from './errors.ts';
import { settlePasswordChange } from './settle-password-change.ts';
import { unlockWithPassword, unlockWithWords } from './unlock.ts';
import { listSlots } from './unlocked.ts';

let made: TestAccount;
beforeAll(async () => {
  made = await testAccount(21);
});

const NEW_PASSWORD = 'a new password';
const optionsFor = (custody: MemoryAccount, seed = 5) => ({ custody, now: NOW, random: seededRandom(seed) });
const passwordOptions = (custody: MemoryAccount) => ({
  ...optionsFor(custody),
  password: NEW_PASSWORD,
  argon: CHEAP_ARGON,
});

async function opens(custody: MemoryAccount, password: string): Promise<boolean> {
  try {
    await unlockWithPassword(custody, password);
    return true;
  } catch (error) {
    if (error instanceof WrongPasswordError) return false;
    throw error;
  }
}

describe('changing the password', () => {
  it('opens with the new one only, and with the words as before', async () => {
    const custody = made.custody.clone();
    const changed = await changePassword(await unlockWithPassword(custody, PASSWORD), passwordOptions(custody));
    expect(await opens(custody, PASSWORD)).toBe(false);
    const unlocked = await unlockWithPassword(custody, NEW_PASSWORD);
    expect(unlocked.slotId).toEqual(changed.slotId);
    expect(unlocked.secret).toEqual(made.account.unlocked.secret);
    await verifyWords(custody, made.account.words as readonly string[]);
    expect(custody.slotRecords.size).toBe(2);
  });

  describe('cut short at any step, then settled', () => {
    const steps = 4;
    const cases = Array.from({ length: steps }, (_, done) => done).flatMap((done) =>
      (['old', 'new', 'words'] as const).map((given) => [done, given] as const),
    );
    it.each(cases)('after %i writes, with the %s: one password opens, the one that was given', async (done, given) => {
      const custody = made.custody.clone();
      let change: PasswordChange | undefined;
      const intend = (intended: PasswordChange): void => void (change = intended);
      custody.writesLeft = done;
      await expect(changePassword(made.account.unlocked, { ...passwordOptions(custody), intend })).rejects.toThrow(
        'power cut',
      );
      custody.writesLeft = Number.POSITIVE_INFINITY;
      const password = given === 'new' ? NEW_PASSWORD : PASSWORD;
      if (given !== 'words' && !(await opens(custody, password))) return;
      const unlock = async () =>
        given === 'words'
          ? await unlockWithWords(custody, made.account.words as readonly string[])
          : await unlockWithPassword(custody, password);
      const unlocked = await unlock();
      const { end } = await settlePasswordChange(unlocked, change as PasswordChange, optionsFor(custody));
      const [old, fresh] = [await opens(custody, PASSWORD), await opens(custody, NEW_PASSWORD)];
      expect([old, fresh].filter(Boolean)).toHaveLength(1);
      if (given === 'words') expect(fresh).toBe(done >= 2);
      else expect(await opens(custody, password)).toBe(true);
      if (done === 2) expect(end).toBe(given === 'old' ? 'undone' : 'finished');
      else expect(end).toBe('nothing');
      // Again, as after a crash in the middle of it; and nothing is left lying about.
      expect((await settlePasswordChange(await unlock(), change as PasswordChange, optionsFor(custody))).end).toBe(
        'nothing',
      );
      expect(custody.slotRecords.size).toBe(done === 3 ? 3 : 2);
    });
  });

  it('leaves a way in after a crash at every step', async () => {
    const steps = ['putSlot', 'appendKeychain', 'appendKeychain', 'removeSlot'];
    for (let done = 0; done < steps.length; done++) {
      const custody = made.custody.clone();
      custody.writesLeft = done;
      await expect(changePassword(made.account.unlocked, passwordOptions(custody))).rejects.toThrow('power cut');
      expect(custody.writes).toEqual(steps.slice(0, done));
      custody.writesLeft = Number.POSITIVE_INFINITY;
      const [old, fresh] = [await opens(custody, PASSWORD), await opens(custody, NEW_PASSWORD)];
      // Both open between the two entries; never neither.
      expect([old, fresh]).toEqual([done <= 2, done >= 2]);
    }
  });

  it('can be done again after a crash in the middle', async () => {
    const custody = made.custody.clone();
    custody.writesLeft = 2;
    await expect(changePassword(made.account.unlocked, passwordOptions(custody))).rejects.toThrow('power cut');
    custody.writesLeft = Number.POSITIVE_INFINITY;
    const unlocked = await unlockWithPassword(custody, PASSWORD);
    await changePassword(unlocked, { ...passwordOptions(custody), random: seededRandom(77), password: 'third' });
    expect([await opens(custody, PASSWORD), await opens(custody, 'third')]).toEqual([false, true]);
    // Between the two, NEW_PASSWORD has a slot as well: the words', that one's and the third's.
    expect(custody.slotRecords.size).toBe(3);
  });

  it('replaces every password when unlocked with the words', async () => {
    const custody = made.custody.clone();
    const words = made.account.words as readonly string[];
    await addPasswordSlot(made.account.unlocked, { ...passwordOptions(custody), password: 'second' });
    await changePassword(await unlockWithWords(custody, words), {
      ...passwordOptions(custody),
      random: seededRandom(6),
    });
    expect([await opens(custody, PASSWORD), await opens(custody, 'second')]).toEqual([false, false]);
    expect(await opens(custody, NEW_PASSWORD)).toBe(true);
  });

  it('does not let an old slot record come back', async () => {
    const custody = made.custody.clone();
    await changePassword(made.account.unlocked, passwordOptions(custody));
    for (const [id, record] of made.custody.slotRecords) custody.slotRecords.set(id, record);
    expect(await opens(custody, PASSWORD)).toBe(false);
  });
});

describe('slots', () => {
  it('leave no record behind, not even after a crash', async () => {
    const custody = made.custody.clone();
    custody.writesLeft = 3;
    await expect(changePassword(made.account.unlocked, passwordOptions(custody))).rejects.toThrow('power cut');
    custody.writesLeft = Number.POSITIVE_INFINITY;
    expect(custody.slotRecords.size).toBe(3);
    const unlocked = await unlockWithPassword(custody, NEW_PASSWORD);
    await changePassword(unlocked, { ...passwordOptions(custody), random: seededRandom(78), password: 'third' });
    expect(custody.slotRecords.size).toBe(2);
  });

  it('are added and removed, but the last besides the words stays', async () => {
    const custody = made.custody.clone();
    const two = await addPasswordSlot(made.account.unlocked, passwordOptions(custody));
    expect(listSlots(two.keychain).map((slot) => slot.method)).toEqual(['local-password', 'words', 'local-password']);
    const one = await removeSlot(two, two.slotId, optionsFor(custody));
    expect(await opens(custody, PASSWORD)).toBe(false);
    expect(await opens(custody, NEW_PASSWORD)).toBe(true);
    const [left] = activeSlots(one.keychain).filter((slot) => slot.method === 'local-password');
    await expect(removeSlot(one, left?.slotId as Uint8Array, optionsFor(custody))).rejects.toThrow(LastSlotError);
    await expect(removeSlot(one, two.slotId, optionsFor(custody))).rejects.toMatchObject({ code: 'no-such-slot' });
    expect(await opens(custody, NEW_PASSWORD)).toBe(true);
  });

  it('give new words while the old ones stay good until removed', async () => {
    const custody = made.custody.clone();
    const old = made.account.words as readonly string[];
    const { unlocked, words } = await addWordsSlot(made.account.unlocked, optionsFor(custody, 8));
    expect(words).not.toEqual(old);
    await verifyWords(custody, words);
    await verifyWords(custody, old);
    const [first] = activeSlots(unlocked.keychain).filter((slot) => slot.method === 'words');
    await removeSlot(unlocked, first?.slotId as Uint8Array, optionsFor(custody));
    await verifyWords(custody, words);
    await expect(verifyWords(custody, old)).rejects.toThrow(WrongPasswordError);
  });
});
