/**
 * Adding, replacing and removing the ways into an account. Order matters: a slot record is stored before the keychain
 * names it, and the keychain stops naming it before the record goes, so that a crash at any step leaves either the old
 * way in, or both, never none.
 */
import { equalBytes, toHex } from '@keephold/bytes';
import { type Argon2Cost, DEFAULT_ARGON2_COST, type RandomSource, sha256 } from '@keephold/crypto';
import { type AccountCustody, activeSlots, type KeychainState } from '@keephold/protocol';
import { LastSlotError, VaultError } from './errors.ts';
import { appendToKeychain } from './keychain-append.ts';
import { sealOpaqueSlot } from './opaque-slot.ts';
import { sealPasswordSlot } from './password-slot.ts';
import { decodeSlotRecordOrSkip, encodeSlotRecord, type SlotRecord } from './slot-record.ts';
import { type UnlockCustody, unlockWithWords } from './unlock.ts';
import type { Unlocked } from './unlocked.ts';
import { sealWordsSlot } from './words-slot.ts';

export interface ChangeSlotsOptions {
  readonly custody: Pick<AccountCustody, 'keychain' | 'appendKeychain' | 'slots' | 'putSlot' | 'removeSlot'>;
  /** Unix milliseconds. */
  readonly now: number;
  readonly random: RandomSource;
}

export interface PasswordOptions extends ChangeSlotsOptions {
  readonly password: string;
  readonly argon?: Argon2Cost;
}

/** Another password that opens the account as well. */
export async function addPasswordSlot(unlocked: Unlocked, options: PasswordOptions): Promise<Unlocked> {
  return addSlot(unlocked, await newPasswordSlot(unlocked, options), options);
}

export interface PasswordChange {
  /** slotId of the new password. */
  readonly added: Uint8Array;
  /** Of the passwords that it replaces. */
  readonly replaced: readonly Uint8Array[];
}

export interface ChangePasswordOptions extends PasswordOptions {
  /** Told before anything is written: kept durably, a change that is cut short can be settled (settle-password-change.ts). */
  readonly intend?: (change: PasswordChange) => void;
}

export interface NewWords {
  readonly unlocked: Unlocked;
  /** 24, to be shown once. */
  readonly words: readonly string[];
}

/** Fresh words; earlier ones stay good until their slot is removed. */
export async function addWordsSlot(unlocked: Unlocked, options: ChangeSlotsOptions): Promise<NewWords> {
  const { accountId, secret } = unlocked;
  const { record, words } = await sealWordsSlot({ accountId, secret, random: options.random });
  return { unlocked: await addSlot(unlocked, record, options), words };
}

/**
 * Sets a new password in place of the one the account was unlocked with; unlocked with words, in place of all.
 * @returns the account as if unlocked with the new password
 */
export async function changePassword(unlocked: Unlocked, options: ChangePasswordOptions): Promise<Unlocked> {
  const old = activeSlots(unlocked.keychain)
    .filter((slot) => slot.method === 'local-password')
    .filter((slot) => unlocked.method !== 'local-password' || equalBytes(slot.slotId, unlocked.slotId));
  const added = await newPasswordSlot(unlocked, options);
  options.intend?.({ added: added.slotId, replaced: old.map(({ slotId }) => slotId) });
  let changed = await addSlot(unlocked, added, options);
  for (const slot of old) changed = await removeSlot(changed, slot.slotId, options);
  return { ...changed, slotId: added.slotId, method: 'local-password' };
}

export interface ServerPasswordOptions extends ChangeSlotsOptions {
  /** Of the new registration. */
  readonly exportKey: Uint8Array;
  /** What was stretched with in it. */
  readonly cost: Argon2Cost;
  /** Puts record and slot in place of the old ones, both or neither; may be repeated. */
  readonly replace: (slot: { readonly slotId: Uint8Array; readonly record: Uint8Array }) => Promise<void>;
}

/**
 * A new password on a server (security.md §3.6). Until `replace` the old one opens, from then on the new one; a slot that
 * an earlier change named and never put in place goes with the old.
 * @returns the account as if unlocked with the new password
 */
export async function changeServerPassword(unlocked: Unlocked, options: ServerPasswordOptions): Promise<Unlocked> {
  const { accountId, secret, keychain, identity } = unlocked;
  const { exportKey, cost, random, custody, now, replace } = options;
  const old = activeSlots(keychain).filter((slot) => slot.method === 'opaque');
  const added = await sealOpaqueSlot({ accountId, secret, exportKey, cost, random });
  const record = encodeSlotRecord(added);
  const body = { kind: 'add-slot', slotId: added.slotId, method: 'opaque', recordHash: sha256(record) } as const;
  let changed: Unlocked = {
    ...unlocked,
    keychain: await appendToKeychain({ custody, keychain, identity, now }, body),
  };
  await replace({ slotId: added.slotId, record });
  for (const slot of old) changed = await removeSlot(changed, slot.slotId, options);
  return { ...changed, slotId: added.slotId, method: 'opaque' };
}

/**
 * Closes one way into the account.
 * @throws LastSlotError when only the words would be left, VaultError `no-such-slot` when it is not there.
 */
export async function removeSlot(
  unlocked: Unlocked,
  slotId: Uint8Array,
  options: ChangeSlotsOptions,
): Promise<Unlocked> {
  const slots = activeSlots(unlocked.keychain);
  if (!slots.some((slot) => equalBytes(slot.slotId, slotId))) {
    throw new VaultError('no-such-slot', 'remove slot: there is no such slot');
  }
  if (!slots.some((slot) => slot.method !== 'words' && !equalBytes(slot.slotId, slotId))) throw new LastSlotError();
  const { custody, now } = options;
  const { keychain, identity } = unlocked;
  const shorter = await appendToKeychain({ custody, keychain, identity, now }, { kind: 'remove-slot', slotId });
  await sweepRemovedSlots(custody, shorter);
  return { ...unlocked, keychain: shorter };
}

/**
 * Deletes the records of slots that the keychain closed, also those a crash left behind. A record that the keychain does
 * not name yet stays: another writer may be about to name it.
 */
async function sweepRemovedSlots(custody: ChangeSlotsOptions['custody'], keychain: KeychainState): Promise<void> {
  for (const bytes of await custody.slots()) {
    const slotId = decodeSlotRecordOrSkip(bytes)?.slotId;
    if (slotId !== undefined && keychain.slots.get(toHex(slotId))?.removed === true) await custody.removeSlot(slotId);
  }
}

/**
 * Shows that the words open the account.
 * @throws InvalidWordsError, WrongPasswordError
 */
export async function verifyWords(custody: UnlockCustody, words: string | readonly string[]): Promise<void> {
  await unlockWithWords(custody, words);
}

function newPasswordSlot(unlocked: Unlocked, options: PasswordOptions): Promise<SlotRecord> {
  const { random, password, argon: cost = DEFAULT_ARGON2_COST } = options;
  const { accountId, secret } = unlocked;
  return sealPasswordSlot({ accountId, secret, password, cost, random });
}

async function addSlot(unlocked: Unlocked, record: SlotRecord, options: ChangeSlotsOptions): Promise<Unlocked> {
  const { custody, now } = options;
  const bytes = encodeSlotRecord(record);
  await custody.putSlot(record.slotId, bytes);
  const { slotId, method } = record;
  const { keychain, identity } = unlocked;
  const body = { kind: 'add-slot', slotId, method, recordHash: sha256(bytes) } as const;
  return { ...unlocked, keychain: await appendToKeychain({ custody, keychain, identity, now }, body) };
}
