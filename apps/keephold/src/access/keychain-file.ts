/**
 * The keychain as this machine has seen it, kept in the state folder: in a repository each entry lies once, and without
 * all of them nothing can be verified. Signed records, no secrets; whoever reads them walks them again, so anything
 * unreadable here counts as nothing seen.
 */
import { join } from 'node:path';
import { type CborValue, decodeCbor, encodeCbor, equalBytes, toHex } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto';
import { type AccountId, type Custody, type KeychainState, keychainHashInput } from '@keephold/protocol';
import type { Environment } from '../environment.ts';
import { readPrivateFile, writePrivateFile } from './private-file.ts';

export class KeychainFile {
  readonly #path: string;

  constructor({ folders }: Pick<Environment, 'folders'>, accountId: AccountId) {
    this.#path = join(folders.state, toHex(accountId), 'keychain');
  }

  /** Entries from genesis on. */
  load(): readonly Uint8Array[] {
    const bytes = readPrivateFile(this.#path);
    return bytes === undefined ? [] : entriesIn(bytes);
  }

  /** Keeps the entries of a log that was verified and agrees with what this machine had seen, unless it knows as much. */
  async save({ seq, entryHashes }: KeychainState, custody: Pick<Custody, 'keychain'>): Promise<void> {
    if (this.load().length > seq) return;
    const entries = (await custody.keychain(0)).slice(0, seq + 1);
    // The keeper was asked again.
    const isSame = entryHashes.every((hash, at) => {
      const entry = entries[at];
      return entry !== undefined && equalBytes(sha256(...keychainHashInput(entry)), hash);
    });
    if (isSame) writePrivateFile(this.#path, encodeCbor(entries));
  }
}

function entriesIn(bytes: Uint8Array): readonly Uint8Array[] {
  let value: CborValue;
  try {
    value = decodeCbor(bytes);
  } catch {
    return [];
  }
  return Array.isArray(value) && value.every((entry) => entry instanceof Uint8Array) ? value : [];
}
