/**
 * What this machine has seen of a keychain, in place of entries that are damaged where they are kept. There is one copy
 * of each entry in a folder, and without it nothing of the account can be verified. An entry of the copy is used only
 * where the folder has none that continues the log: another history is never covered up, and neither is a log that ends
 * earlier than it did.
 */
import { equalBytes } from '@keephold/bytes';
import {
  type AccountId,
  advanceKeychain,
  ChainError,
  type KeychainState,
  MalformedRecordError,
  startKeychain,
} from '@keephold/protocol';
import { verifier } from './verifier.ts';

export interface KeychainCopy {
  /** Entries from genesis on; none when nothing was seen of this account. */
  load(account: AccountId): readonly Uint8Array[];
  /** Told once of each entry that is taken from the copy. */
  onUsed(place: string): void;
}

/** An entry as it is kept: its number, its name, its bytes. */
export interface KeptEntry {
  readonly seq: number;
  readonly place: string;
  readonly bytes: Uint8Array | undefined;
}

export class CopiedEntries {
  readonly #copy: KeychainCopy;
  readonly #account: AccountId;
  readonly #used = new Set<string>();
  #entries: readonly Uint8Array[] | undefined;
  /** Where the folder has another history than the copy; from there on the copy says nothing. */
  #otherFrom = Number.POSITIVE_INFINITY;

  constructor(copy: KeychainCopy, account: AccountId) {
    this.#copy = copy;
    this.#account = account;
  }

  /** Names of the entries that are damaged or missing where they are kept. */
  get used(): readonly string[] {
    return [...this.#used];
  }

  /** The entry to go on with. `hasLater` says whether the folder has one that comes after it. */
  async choose({ seq, place, bytes }: KeptEntry, hasLater: () => Promise<boolean>): Promise<Uint8Array | undefined> {
    this.#entries ??= this.#copy.load(this.#account);
    const seen = this.#entries[seq];
    if (seen === undefined || seq >= this.#otherFrom) return bytes;
    if (bytes === undefined ? !(await hasLater()) : equalBytes(bytes, seen)) return bytes;
    const before = walkEntries(this.#entries.slice(0, seq));
    if (before === 'broken' || !isNextEntry(before, seen)) return bytes;
    if (bytes !== undefined && isNextEntry(before, bytes)) {
      this.#otherFrom = seq;
      return bytes;
    }
    if (!this.#used.has(place)) this.#copy.onUsed(place);
    this.#used.add(place);
    return seen;
  }
}

/** The log walked to its end; undefined when there is none. */
export function walkEntries(entries: readonly Uint8Array[]): KeychainState | undefined | 'broken' {
  let state: KeychainState | undefined;
  for (const bytes of entries) {
    if (!isNextEntry(state, bytes)) return 'broken';
    state = next(state, bytes);
  }
  return state;
}

/** Whether the entry is signed and continues the log. */
export function isNextEntry(state: KeychainState | undefined, bytes: Uint8Array): boolean {
  try {
    next(state, bytes);
    return true;
  } catch (error) {
    if (error instanceof ChainError || error instanceof MalformedRecordError) return false;
    throw error;
  }
}

function next(state: KeychainState | undefined, bytes: Uint8Array): KeychainState {
  return state === undefined ? startKeychain(bytes, verifier) : advanceKeychain(state, bytes, verifier);
}
