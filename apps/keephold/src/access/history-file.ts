/**
 * How far this device has followed the history of a repository: what was verified need not be verified again, and a
 * repository that is older than this is a rollback. Kept in the state folder, as safe as a pin; anything unreadable there
 * counts as nothing seen.
 */
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { equalBytes, toHex } from '@keephold/bytes';
import {
  type CommitLogState,
  DamagedError,
  decodeCommitLogState,
  encodeCommitLogState,
  type Repository,
} from '@keephold/engine';
import type { AccountId, VaultId } from '@keephold/protocol';
import type { Environment } from '../environment.ts';
import { readPrivateFile, syncFolder, writePrivateFile } from './private-file.ts';

export class HistoryFile {
  readonly #path: string;
  #saved = -1;

  constructor({ folders }: Pick<Environment, 'folders'>, accountId: AccountId) {
    this.#path = join(folders.state, toHex(accountId), 'history');
  }

  load(vaultId: VaultId): CommitLogState | undefined {
    const bytes = readPrivateFile(this.#path);
    if (bytes === undefined) return undefined;
    try {
      const state = decodeCommitLogState(bytes);
      if (!equalBytes(state.vaultId, vaultId)) return undefined;
      this.#saved = state.seq;
      return state;
    } catch (error) {
      if (error instanceof DamagedError) return undefined;
      throw error;
    }
  }

  /** From here on nothing was seen. */
  forget(): void {
    if (readPrivateFile(this.#path) === undefined) return;
    rmSync(this.#path);
    syncFolder(dirname(this.#path));
    this.#saved = -1;
  }

  /** Only when there is something new, and never with a hole in it: what heals later must still be read. */
  save(log: Repository['log']): void {
    if (log.isWhole && log.head.seq > this.#saved) writePrivateFile(this.#path, encodeCommitLogState(log.state()));
  }
}
