/**
 * Account records at the second site: with them the 24 words open what is there. In an order in which any record may be
 * the last: what opens keys before the keychain entry that counts on it.
 */
import type { Backend } from '@keephold/backend';
import { equalBytes, toHex } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto/verify';
import { activeSlots, advanceKeychain, type KeychainState, startKeychain } from '@keephold/protocol';
import { verifier } from '../account/verifier.ts';
import { findingKeychainDamage } from '../custody-failure.ts';
import { GRANTS, KEYCHAIN, KEYRINGS, keychainEntryName, keyringCopyName, MARKER, README, SLOTS } from '../layout.ts';
import type { Sites } from './sites.ts';

export async function copyAccount(sites: Sites): Promise<void> {
  const { from, to, account } = sites;
  // Before what it counts on is copied, so that all of that is there.
  const { seq: lastSeq } = await account.keychainState();
  for (const { name, bytes } of await recordsIn(from, GRANTS)) await to.putNew(name, bytes);
  await copySlots(sites);
  await copyKeyrings(sites);
  await copyKeychain(sites, lastSeq);
  await removeDeadSlots(sites);
  // Last: with it there is a repository.
  for (const name of [README, MARKER]) await copyOnce(sites, name);
}

interface StoredRecord {
  readonly name: string;
  readonly bytes: Uint8Array;
}

async function recordsIn(backend: Backend, folder: string): Promise<readonly StoredRecord[]> {
  const records: StoredRecord[] = [];
  for await (const { name } of backend.list(folder)) {
    const bytes = await backend.get(name);
    if (bytes !== undefined) records.push({ name, bytes });
  }
  return records;
}

/** A way in that rotted here does not replace its copy: the keychain has the hash of each. */
async function copySlots({ from, to, account }: Sites): Promise<void> {
  const hashes = new Map(
    activeSlots(await account.keychainState()).map((slot) => [toHex(slot.slotId), slot.recordHash]),
  );
  for (const { name, bytes } of await recordsIn(from, SLOTS)) {
    const hash = hashes.get(lastPart(name));
    const isSound = hash !== undefined && equalBytes(sha256(bytes), hash);
    if (isSound) await replace(to, { name, bytes });
    else if (hash === undefined) await to.putNew(name, bytes);
  }
}

/** Nobody can tell here whether a keyring is sound, so the one that it replaces is kept beside. */
async function copyKeyrings({ from, to }: Sites): Promise<void> {
  for (const record of await recordsIn(from, KEYRINGS)) {
    const before = await to.get(record.name);
    if (before !== undefined && !equalBytes(before, record.bytes)) {
      await to.putNew(keyringCopyName(lastPart(record.name), sha256(before)), before);
    }
    await replace(to, record);
  }
}

/** What is written there is never replaced, so all of it is verified again before any of it is copied. */
async function copyKeychain({ to, account }: Sites, lastSeq: number): Promise<void> {
  const there = new Set<string>();
  for await (const { name } of to.list(KEYCHAIN)) there.add(name);
  const missing = Array.from({ length: lastSeq + 1 }, (_, seq) => seq).filter(
    (seq) => !there.has(keychainEntryName(seq)),
  );
  if (missing.length === 0) return;
  const entries = await account.keychain(0);
  verifyKeychain(entries);
  for (const seq of missing) {
    const bytes = entries[seq];
    if (bytes !== undefined) await to.putNew(keychainEntryName(seq), bytes);
  }
}

/** @throws CustodyError 'keychain-damaged' */
function verifyKeychain(entries: readonly Uint8Array[]): void {
  let state: KeychainState | undefined;
  for (const [seq, bytes] of entries.entries()) {
    const before = state;
    state = findingKeychainDamage(keychainEntryName(seq), () =>
      before === undefined ? startKeychain(bytes, verifier) : advanceKeychain(before, bytes, verifier),
    );
  }
}

/** A way in that the keychain took away must not open the copy. */
async function removeDeadSlots({ from, to, account }: Sites): Promise<void> {
  const active = new Set(activeSlots(await account.keychainState()).map(({ slotId }) => toHex(slotId)));
  for await (const { name } of to.list(SLOTS)) {
    if (!active.has(lastPart(name)) && (await from.stat(name)) === undefined) await to.delete(name);
  }
}

async function replace(to: Backend, { name, bytes }: StoredRecord): Promise<void> {
  const before = await to.get(name);
  if (before === undefined || !equalBytes(before, bytes)) await to.put(name, bytes);
}

async function copyOnce({ from, to }: Sites, name: string): Promise<void> {
  if ((await to.stat(name)) !== undefined) return;
  const bytes = await from.get(name);
  if (bytes !== undefined) await to.putNew(name, bytes);
}

function lastPart(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}
