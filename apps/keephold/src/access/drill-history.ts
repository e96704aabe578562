/**
 * Where this device remembers its drills of a repository: in its state folder, each version whole and durable. What lies
 * there are counts, times and marks of paths, and the names of files that failed.
 */
import { join } from 'node:path';
import { toHex } from '@keephold/bytes';
import { type DrillRun, decodeHistory, encodeHistory, HistoryError, withRun } from '@keephold/drill';
import type { AccountId } from '@keephold/protocol';
import type { Environment } from '../environment.ts';
import { changeVersionedFile, readVersionedFile, type VersionedFile } from './versioned-file.ts';

export interface ReadHistory {
  readonly runs: readonly DrillRun[];
  /** Why an existing one could not be read, or must not be written. */
  readonly fault: HistoryError | undefined;
}

export class DrillHistory {
  readonly #file: VersionedFile;

  constructor({ folders }: Pick<Environment, 'folders'>, accountId: AccountId) {
    this.#file = { folder: join(folders.state, toHex(accountId)), name: 'drills' };
  }

  read(): ReadHistory {
    return decoded(readVersionedFile(this.#file));
  }

  /** One that cannot be read begins anew; answers false for one of a later version, which stays as it is. */
  add(run: DrillRun): boolean {
    let isAdded = true;
    changeVersionedFile(this.#file, (bytes) => {
      const { runs, fault } = decoded(bytes);
      isAdded = fault?.code !== 'history-newer';
      return isAdded ? encodeHistory(withRun(runs, run)) : undefined;
    });
    return isAdded;
  }
}

function decoded(bytes: Uint8Array | undefined): ReadHistory {
  if (bytes === undefined) return { runs: [], fault: undefined };
  try {
    return { runs: decodeHistory(bytes), fault: undefined };
  } catch (error) {
    if (error instanceof HistoryError) return { runs: [], fault: error };
    throw error;
  }
}
