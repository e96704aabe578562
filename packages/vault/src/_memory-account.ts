/** An account's records in memory, with the step that fails chosen by the test; and cheap, repeatable inputs. */
import { equalBytes, toHex } from '@keephold/bytes';
import { type Argon2Cost, hmacSha256, type RandomSource } from '@keephold/crypto';
import { type AccountCustody, type AccountId, type ObjectName, parseKeychainEntry } from '@keephold/protocol';
import { type CreateAccountOptions, type CreatedAccount, createAccount, publishAccount } from './create-account.ts';

/** The least that is accepted: tests derive dozens of keys. */
export const CHEAP_ARGON: Argon2Cost = { memoryKiB: 65_536, passes: 3, lanes: 1 };
export const NOW = 1_790_000_000_000;

export function seededRandom(seed: number): RandomSource {
  let counter = 0;
  return (n) => {
    const bytes = new Uint8Array(n);
    for (let at = 0; at < n; at += 32) {
      counter += 1;
      bytes.set(
        hmacSha256(Uint8Array.of(seed), new Uint8Array(Uint32Array.of(counter).buffer)).subarray(0, n - at),
        at,
      );
    }
    return bytes;
  };
}

export class MemoryAccount implements AccountCustody {
  readonly entries: Uint8Array[] = [];
  readonly slotRecords: Map<string, Uint8Array> = new Map();
  readonly grants: Map<string, Uint8Array> = new Map();
  sealedKeyring: Uint8Array | undefined;
  /** Every write, by name, in order. */
  readonly writes: string[] = [];
  /** Writes allowed before one fails; the failing one does nothing. */
  writesLeft: number = Number.POSITIVE_INFINITY;
  /** Called before an append, to let another writer be first. */
  beforeAppend: () => void = () => undefined;
  readonly #accountId: AccountId;

  constructor(accountId: AccountId) {
    this.#accountId = accountId;
  }

  accountId(): Promise<AccountId> {
    return Promise.resolve(this.#accountId);
  }

  keychain(fromSeq: number): Promise<readonly Uint8Array[]> {
    return Promise.resolve(this.entries.slice(fromSeq));
  }

  async appendKeychain(entry: Uint8Array): Promise<'appended' | 'head-moved'> {
    this.beforeAppend();
    this.#step('appendKeychain');
    const { seq } = parseKeychainEntry(entry).entry;
    if (seq === this.entries.length) this.entries.push(entry);
    return equalBytes(this.entries[seq] ?? new Uint8Array(0), entry) ? 'appended' : 'head-moved';
  }

  slots(): Promise<readonly Uint8Array[]> {
    return Promise.resolve([...this.slotRecords.values()]);
  }

  async putSlot(slotId: Uint8Array, record: Uint8Array): Promise<void> {
    this.#step('putSlot');
    this.slotRecords.set(toHex(slotId), record);
  }

  async removeSlot(slotId: Uint8Array): Promise<void> {
    this.#step('removeSlot');
    this.slotRecords.delete(toHex(slotId));
  }

  keyring(): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.sealedKeyring);
  }

  async putKeyring(sealed: Uint8Array): Promise<void> {
    this.#step('putKeyring');
    this.sealedKeyring = sealed;
  }

  async putGrant(name: ObjectName, sealed: Uint8Array): Promise<void> {
    this.#step('putGrant');
    this.grants.set(toHex(name), sealed);
  }

  grant(name: ObjectName): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.grants.get(toHex(name)));
  }

  /** The same records for another test, failing nowhere. */
  clone(): MemoryAccount {
    const copy = new MemoryAccount(this.#accountId);
    copy.entries.push(...this.entries);
    for (const [id, record] of this.slotRecords) copy.slotRecords.set(id, record);
    copy.sealedKeyring = this.sealedKeyring;
    return copy;
  }

  #step(name: string): void {
    if (this.writesLeft <= 0) throw new Error('power cut');
    this.writesLeft -= 1;
    this.writes.push(name);
  }
}

export interface TestAccount {
  readonly account: CreatedAccount;
  readonly custody: MemoryAccount;
}

export const PASSWORD = 'correct horse battery staple é';

export async function testAccount(seed: number, change: Partial<CreateAccountOptions> = {}): Promise<TestAccount> {
  const account = await createAccount({
    password: PASSWORD,
    now: NOW,
    random: seededRandom(seed),
    role: 'backup-only',
    argon: CHEAP_ARGON,
    names: { device: 'laptop' },
    ...change,
  });
  const custody = new MemoryAccount(account.accountId);
  await publishAccount(custody, account);
  custody.writes.length = 0;
  return { account, custody };
}
