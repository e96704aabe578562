/**
 * A server as the repository: which account and which server belong to an address, kept in a private file of the state
 * folder, and the client that signs as this device. The server's id is pinned when the account is made.
 */
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fromHex, toHex, utf8Decode, utf8Encode } from '@keephold/bytes';
import { createAccountOn, HttpCustody, serverIdOf } from '@keephold/client';
import { ed25519FromSeed, sign, systemRandom } from '@keephold/crypto';
import type { GenesisRecords } from '@keephold/custody';
import { type AccountId, asAccountId, type Custody } from '@keephold/protocol';
import type { Environment } from '../environment.ts';
import { CommandError, exitCodes } from '../errors.ts';
import { DeviceStore } from './device-store.ts';
import { readPrivateFile, writePrivateFile } from './private-file.ts';
import { sendByNode } from './send-by-node.ts';

interface ServerAccount {
  readonly accountId: AccountId;
  readonly serverId: Uint8Array;
}

export interface NewServerAccount {
  readonly origin: string;
  readonly invitation: string;
  readonly records: GenesisRecords;
}

/** Makes the account on the server, and remembers both. */
export async function createOnServer(environment: Environment, wanted: NewServerAccount): Promise<void> {
  const { origin, invitation, records } = wanted;
  const path = fileOf(environment, origin);
  if (readPrivateFile(path) !== undefined) {
    throw failed(`this computer has an account at ${origin} already`, `remove ${path} to begin anew`);
  }
  const serverId = await serverIdOf(origin);
  const { accountId, keychain, slots, keyring } = records;
  await createAccountOn(origin, { invitation, keychain, slots, keyring });
  writePrivateFile(path, utf8Encode(JSON.stringify({ accountId: toHex(accountId), serverId: toHex(serverId) })));
}

/** @throws CommandError when this device has no account there. */
export async function openServer(environment: Environment, origin: string): Promise<Custody> {
  const path = fileOf(environment, origin);
  const bytes = readPrivateFile(path);
  const { accountId, serverId } = bytes === undefined ? unknown(origin) : readAccount(path, bytes);
  const state = new DeviceStore(environment, accountId).load();
  if (state === undefined) return unknown(origin);
  const { deviceId, signingSeed } = state;
  const { publicKey } = ed25519FromSeed(signingSeed);
  return await Promise.resolve(
    new HttpCustody({
      origin,
      credentials: {
        accountId,
        deviceId,
        publicKey,
        serverId,
        sign: (message) => sign(signingSeed, message),
      },
      now: Date.now,
      send: sendByNode(),
      random: systemRandom,
      wait: async (milliseconds) => await wait(milliseconds),
    }),
  );
}

function readAccount(path: string, bytes: Uint8Array): ServerAccount {
  try {
    const { accountId, serverId } = JSON.parse(utf8Decode(bytes)) as Record<keyof ServerAccount, string>;
    return { accountId: asAccountId(fromHex(accountId)), serverId: fromHex(serverId) };
  } catch (cause) {
    throw new CommandError(`read ${path}: it is damaged`, { code: 'damaged', exitCode: exitCodes.damaged, cause });
  }
}

function unknown(origin: string): never {
  throw failed(
    `this device has no account at ${origin}`,
    'keephold init --repo URL --invitation CODE makes one; the server prints an invitation at its first start',
  );
}

function failed(message: string, hint: string): CommandError {
  return new CommandError(message, { code: 'no-account', exitCode: exitCodes.noRepository, hint });
}

function fileOf({ folders }: Environment, origin: string): string {
  return join(folders.state, 'servers', `${origin.replace(/[^a-z0-9.-]+/gi, '_')}.json`);
}
