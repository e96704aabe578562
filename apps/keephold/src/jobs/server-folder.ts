/** The data folder of a server: its secrets, and the accounts that it opens with them. */
import { join } from 'node:path';
import { type AccountsSurroundings, countAccounts, invite, migrate } from '@keephold/accounts';
import { asKey, ed25519FromSeed, sha256, sign, systemRandom } from '@keephold/crypto';
import { createOpaqueSetup, OpaqueServer } from '@keephold/crypto/opaque';
import { SealedTotp } from '@keephold/crypto/totp';
import type { KeeperSigner } from '@keephold/custody';
import type { SqlDatabase } from '@keephold/custody/sql';
import { serverIdInput } from '@keephold/protocol';
import { createPrivateFile, makePrivateFolder, readPrivateFile } from '../access/private-file.ts';
import { CommandError, exitCodes } from '../errors.ts';

export interface ServerFolder {
  readonly serverId: Uint8Array;
  readonly surroundings: AccountsSurroundings;
  /** Signs keeper events (format.md §7, type 4) with the key that the genesis of each account names. */
  readonly signer: KeeperSigner;
  /** Made as long as there is no account; who uses it becomes the admin. */
  readonly firstInvitation: string | undefined;
}

export interface OpenServerOptions {
  /** For the accounts: what is in it exists nowhere else. */
  readonly database: SqlDatabase;
  readonly signUp: 'by-invitation' | 'open';
  readonly now: () => number;
}

const INVITATION_LIFETIME = 7 * 24 * 3_600_000;

export async function openServerFolder(
  folder: string,
  { database, signUp, now }: OpenServerOptions,
): Promise<ServerFolder> {
  makePrivateFolder(folder);
  requireOwnForm(folder);
  const secrets = await openSecrets(join(folder, 'secrets'));
  await migrate(database);
  const { eventSeed, opaqueSetup, decoySecret } = secrets;
  const { seed, publicKey: eventKey } = ed25519FromSeed(asKey('Ed25519Seed', eventSeed));
  const serverId = sha256(...serverIdInput(eventKey)).slice(0, 16);
  const opaque = await OpaqueServer.open(opaqueSetup);
  const setupId = sha256(opaqueSetup).slice(0, 16);
  const random = systemRandom;
  // Not a secret file of its own: processes that share a database have copies of these already.
  const factors = new SealedTotp(decoySecret, random);
  const surroundings = { database, opaque, factors, setupId, serverId, eventKey, decoySecret, signUp, now, random };
  return {
    serverId,
    surroundings,
    signer: { deviceId: undefined, sign: (message) => sign(seed, message) },
    firstInvitation: await firstInvitation(surroundings),
  };
}

async function firstInvitation(surroundings: AccountsSurroundings): Promise<string | undefined> {
  const { database, random, now } = surroundings;
  if ((await countAccounts(surroundings)) > 0) return undefined;
  const time = now();
  const wanted = { now: time, expiresAt: time + INVITATION_LIFETIME, random, role: 'admin' } as const;
  return (await database.transaction(async (sql) => await invite(sql, wanted))).code;
}

interface ServerSecrets {
  readonly eventSeed: Uint8Array;
  readonly opaqueSetup: Uint8Array;
  readonly decoySecret: Uint8Array;
}

/** Each is written once and whole; a start that was cut short goes on with those that are there. */
async function openSecrets(folder: string): Promise<ServerSecrets> {
  makePrivateFolder(folder);
  const kept = async (name: string, make: () => Uint8Array | Promise<Uint8Array>): Promise<Uint8Array> => {
    const path = join(folder, name);
    const before = readPrivateFile(path);
    if (before !== undefined) return before;
    const made = await make();
    // Another start may have been first.
    return createPrivateFile(path, made) ? made : (readPrivateFile(path) ?? made);
  };
  return {
    eventSeed: await kept('event-key', () => systemRandom(32)),
    opaqueSetup: await kept('opaque-setup', createOpaqueSetup),
    decoySecret: await kept('decoy-secret', () => systemRandom(32)),
  };
}

/** Before there were accounts, a server had an id of its own and one account without a name. */
function requireOwnForm(folder: string): void {
  if (readPrivateFile(join(folder, 'server-id')) === undefined) return;
  throw new CommandError(`${folder} is of an earlier Keephold, before servers had accounts`, {
    code: 'older-server',
    exitCode: exitCodes.failed,
    hint: `start with another --data; each folder below ${join(folder, 'accounts')} is a repository that --repo FOLDER opens`,
  });
}
