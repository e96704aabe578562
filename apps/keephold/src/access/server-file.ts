/** Which account and which server belong to an address: a private file of the state folder, without a secret. */
import { join } from 'node:path';
import { fromHex, toHex, utf8Decode, utf8Encode } from '@keephold/bytes';
import { type AccountId, asAccountId } from '@keephold/protocol';
import type { Environment } from '../environment.ts';
import { CommandError, exitCodes } from '../errors.ts';
import { readPrivateFile, writePrivateFile } from './private-file.ts';

export interface ServerAccount {
  readonly accountId: AccountId;
  /** A device signs for this server alone. */
  readonly serverId: Uint8Array;
  /** What its owner signs in with, beside the password. */
  readonly name: string;
}

export class ServerFile {
  readonly path: string;

  constructor({ folders }: Pick<Environment, 'folders'>, origin: string) {
    this.path = join(folders.state, 'servers', `${origin.replace(/[^a-z0-9.-]+/gi, '_')}.json`);
  }

  /** @throws CommandError when it is damaged. */
  load(): ServerAccount | undefined {
    const bytes = readPrivateFile(this.path);
    if (bytes === undefined) return undefined;
    try {
      const { accountId, serverId, name } = JSON.parse(utf8Decode(bytes)) as Record<keyof ServerAccount, string>;
      return { accountId: asAccountId(fromHex(accountId)), serverId: fromHex(serverId), name: String(name) };
    } catch (cause) {
      const text = `read ${this.path}: it is damaged`;
      throw new CommandError(text, { code: 'damaged', exitCode: exitCodes.damaged, cause });
    }
  }

  save({ accountId, serverId, name }: ServerAccount): void {
    const record = { accountId: toHex(accountId), serverId: toHex(serverId), name };
    writePrivateFile(this.path, utf8Encode(JSON.stringify(record)));
  }
}
