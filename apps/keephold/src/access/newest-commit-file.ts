/**
 * The newest commit that this machine has verified, kept in the state folder beside the pin that names it: the one commit
 * of a repository whose hash nothing else in it tells. A signed record, no secret; used only where it has the hash of
 * the pin.
 */
import { join } from 'node:path';
import { equalBytes, toHex } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto';
import { type AccountId, type ChainPin, commitHashInput, MalformedRecordError } from '@keephold/protocol';
import type { Environment } from '../environment.ts';
import { readPrivateFile, writePrivateFile } from './private-file.ts';

export class NewestCommitFile {
  readonly #path: string;

  constructor({ folders }: Pick<Environment, 'folders'>, accountId: AccountId) {
    this.#path = join(folders.state, toHex(accountId), 'newest-commit');
  }

  /** Undefined when what is kept is not the commit of the pin. */
  load(pin: ChainPin): Uint8Array | undefined {
    const bytes = readPrivateFile(this.#path);
    return bytes !== undefined && isNamedBy(pin, bytes) ? bytes : undefined;
  }

  save(bytes: Uint8Array): void {
    writePrivateFile(this.#path, bytes);
  }
}

export function isNamedBy({ hash }: ChainPin, bytes: Uint8Array): boolean {
  try {
    return equalBytes(sha256(...commitHashInput(bytes)), hash);
  } catch (error) {
    if (error instanceof MalformedRecordError) return false;
    throw error;
  }
}
