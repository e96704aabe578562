/** Account records as files: what opens the keys (security.md §3). Sealed or signed bytes; nothing is opened here. */
import type { Backend } from '@keephold/backend';
import { equalBytes, readU32 } from '@keephold/bytes';
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
  startKeychain,
} from '@keephold/protocol';
import { findingKeychainDamage, refusingMalformed } from '../custody-failure.ts';
import { grantName, KEYCHAIN, KEYRINGS, keychainEntryName, keyringName, SLOTS, slotName } from '../layout.ts';
import { CopiedEntries, type KeychainCopy } from './keychain-copy.ts';
import { verifier } from './verifier.ts';

/** Far above any real record, far below what would hurt to read. */
const LARGEST_RECORD = 16 * 1024 * 1024;
/** Where a sealed object says its generation (format.md §5). */
const GENERATION_OFFSET = 24;
const SEALED_HEADER = 32;

export class AccountRecords implements AccountCustody {
  readonly #backend: Backend;
  readonly #accountId: AccountId;
  readonly #copied: CopiedEntries | undefined;
  #state: KeychainState | undefined;

  constructor(backend: Backend, accountId: AccountId, copy?: KeychainCopy) {
    this.#backend = backend;
    this.#accountId = accountId;
    this.#copied = copy === undefined ? undefined : new CopiedEntries(copy, accountId);
  }

  async accountId(): Promise<AccountId> {
    return this.#accountId;
  }

  async keychain(fromSeq: number): Promise<readonly Uint8Array[]> {
    const entries: Uint8Array[] = [];
    for (let seq = fromSeq; ; seq++) {
      const place = keychainEntryName(seq);
      const later = async (): Promise<string | undefined> => await this.#laterThan(place);
      const stored = await this.#read(place);
      const isBeforeOthers = async (): Promise<boolean> => (await later()) !== undefined;
      const bytes = (await this.#copied?.choose({ seq, place, bytes: stored }, isBeforeOthers)) ?? stored;
      if (bytes !== undefined) entries.push(bytes);
      else {
        const name = await later();
        // A hole must not be taken for the end: what comes after it may be a revocation, or the way in.
        if (name === undefined) return entries;
        throw new CustodyError('keychain-damaged', `read ${place}: it is missing, and ${name} is there`);
      }
    }
  }

  async #laterThan(place: string): Promise<string | undefined> {
    for await (const { name } of this.#backend.list(KEYCHAIN)) if (name > place) return name;
    return undefined;
  }

  /** Names of keychain entries that are damaged or missing and known from elsewhere. */
  get damagedEntries(): readonly string[] {
    return this.#copied?.used ?? [];
  }

  /** The log walked to its end: everything that was appended since is read. */
  async keychainState(): Promise<KeychainState> {
    const state = await this.#walk();
    if (state === undefined)
      throw new CustodyError('keychain-damaged', `read ${keychainEntryName(0)}: it is missing, and so is what follows`);
    return state;
  }

  async #walk(): Promise<KeychainState | undefined> {
    let state = this.#state;
    for (const bytes of await this.keychain(state === undefined ? 0 : state.seq + 1)) {
      const before = state;
      const name = keychainEntryName(before === undefined ? 0 : before.seq + 1);
      state = findingKeychainDamage(name, () =>
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
