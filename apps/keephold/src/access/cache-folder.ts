/** Where what can be made again lies, one folder a vault. Names are in it, so only its owner may look. */
import { join } from 'node:path';
import { toHex } from '@keephold/bytes';
import type { VaultId } from '@keephold/protocol';
import type { Environment } from '../environment.ts';
import { makePrivateFolder } from './private-file.ts';

export function cacheFolder({ folders }: Pick<Environment, 'folders'>, vaultId: VaultId): string {
  const folder = join(folders.cache, toHex(vaultId));
  makePrivateFolder(folder);
  return folder;
}
