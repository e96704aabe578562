/** Account records as files: what opens the keys (security.md §3). Sealed or signed bytes; nothing is opened here. */
import type { Backend } from '@keephold/backend';
import { equalBytes, readU32 } from '@keephold/bytes';
import { sha256, verifyStrict } from '@keephold/crypto/verify';
import {
  type AccountCustody,
  type AccountId,
  advanceKeychain,
  CustodyError,
  HASH_LENGTH,
  ID_LENGTH,
  type KeychainState,
  type ObjectName,
  parseKeychainEntry,
  type RecordVerifier,
  startKeychain,
} from '@keephold/protocol';
import { findingDamage, refusingMalformed } from '../custody-failure.ts';
import { grantName, KEYCHAIN, KEYRINGS, keychainEntryName, keyringName, SLOTS, slotName } from '../layout.ts';

/** Far above any real record, far below what would hurt to read. */
const LARGEST_RECORD = 16 * 1024 * 1024;
/** Where a sealed object says its generation (format.md §5). */
const GENERATION_OFFSET = 24;
const SEALED_HEADER = 32;

export const verifier: RecordVerifier = { sha256, verify: verifyStrict };

export class AccountRecords implements AccountCustody {
  readonly #backend: Backend;
  readonly #accountId: AccountId;
  #state: KeychainState | undefined;

  constructor(backend: Backend, accountId: AccountId) {
    this.#backend = backend;
    this.#accountId = accountId;
  }

  async accountId(): Promise<AccountId> {
    return this.#accountId;
  }

  async keychain(fromSeq: number): Promise<readonly Uint8Array[]> {
    const entries: Uint8Array[] = [];
    for (let seq = fromSeq; ; seq++) {
      const bytes = await this.#read(keychainEntryName(seq));
      if (bytes === undefined) {
        await this.#requireEnd(seq);
        return entries;
      }
      entries.push(bytes);
    }
  }

  /** A hole must not be taken for the end: what comes after it may be a revocation, or the way in. */
  async #requireEnd(seq: number): Promise<void> {
    const missing = keychainEntryName(seq);
    for await (const { name } of this.#backend.list(KEYCHAIN)) {
      if (name > missing) throw new CustodyError('damaged', `read ${missing}: it is missing, and ${name} is there`);
    }
  }

  /** The log walked to its end: everything that was appended since is read. */
  async keychainState(): Promise<KeychainState> {
    const state = await this.#walk();
    if (state === undefined) throw new CustodyError('damaged', `read ${KEYCHAIN}: the first entry is missing`);
    return state;
  }

  async #walk(): Promise<KeychainState | undefined> {
    let state = this.#state;
    for (const bytes of await this.keychain(state === undefined ? 0 : state.seq + 1)) {
      const before = state;
      const name = `${KEYCHAIN} (entry ${before === undefined ? 0 : before.seq + 1})`;
      state = findingDamage(name, () =>
        before === undefined ? startKeychain(bytes, verifier) : advanceKeychain(before, bytes, verifier),
      );
    }
    this.#state = state;
    return state;
  }

  async appendKeychain(entry: Uint8Array): Promise<'appended' | 'head-moved'> {
    const { seq } = refusingMalformed(() => parseKeychainEntry(entry)).entry;
    const state = await this.#walk();
    if (state !== undefined && seq <= state.seq) return (await this.#isStored(seq, entry)) ? 'appended' : 'head-moved';
    refusingMalformed(() =>
      state === undefined ? startKeychain(entry, verifier) : advanceKeychain(state, entry, verifier),
    );
    const outcome = await this.#backend.putNew(keychainEntryName(seq), entry);
    if (outcome === 'created') return 'appended';
    return (await this.#isStored(seq, entry)) ? 'appended' : 'head-moved';
  }

  async slots(): Promise<readonly Uint8Array[]> {
    return await this.#readFolder(SLOTS);
  }

  async putSlot(slotId: Uint8Array, record: Uint8Array): Promise<void> {
    requireLength(slotId, ID_LENGTH, 'slot id');
    await this.#put(slotName(slotId), record);
  }

  async removeSlot(slotId: Uint8Array): Promise<void> {
    requireLength(slotId, ID_LENGTH, 'slot id');
    await this.#backend.delete(slotName(slotId));
  }

  async keyring(): Promise<Uint8Array | undefined> {
    let last: string | undefined;
    for await (const { name } of this.#backend.list(KEYRINGS)) last = name;
    return last === undefined ? undefined : await this.#read(last);
  }

  async putKeyring(sealed: Uint8Array): Promise<void> {
    if (sealed.length < SEALED_HEADER) throw new CustodyError('refused', `store keyring: ${sealed.length} bytes`);
    await this.#put(keyringName(readU32(sealed, GENERATION_OFFSET)), sealed);
  }

  async putGrant(name: ObjectName, sealed: Uint8Array): Promise<void> {
    requireLength(name, HASH_LENGTH, 'grant name');
    await this.#put(grantName(name), sealed);
  }

  async grant(name: ObjectName): Promise<Uint8Array | undefined> {
    requireLength(name, HASH_LENGTH, 'grant name');
    return await this.#read(grantName(name));
  }

  async #isStored(seq: number, entry: Uint8Array): Promise<boolean> {
    const stored = await this.#read(keychainEntryName(seq));
    return stored !== undefined && equalBytes(stored, entry);
  }

  async #put(name: string, bytes: Uint8Array): Promise<void> {
    if (bytes.length > LARGEST_RECORD) throw new CustodyError('refused', `store ${name}: ${bytes.length} bytes`);
    await this.#backend.put(name, bytes);
  }

  async #read(name: string): Promise<Uint8Array | undefined> {
    return await this.#backend.get(name, { length: LARGEST_RECORD });
  }

  async #readFolder(folder: string): Promise<readonly Uint8Array[]> {
    const records: Uint8Array[] = [];
    for await (const { name } of this.#backend.list(folder)) {
      const bytes = await this.#read(name);
      if (bytes !== undefined) records.push(bytes);
    }
    return records;
  }
}

function requireLength(bytes: Uint8Array, length: number, what: string): void {
  if (bytes.length !== length) throw new CustodyError('refused', `use ${what}: ${bytes.length} bytes`);
}
