/** A real server on loopback with folders in a temporary place, and clients of it. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { HttpCustody, type Send, signInWithWords, Transport } from '@keephold/client';
import { asKey, ed25519FromSeed } from '@keephold/crypto';
import { type KeeperOptions, type KeptCustody, type OpenOptions, openKeeper } from '@keephold/custody';
import { SqliteDatabase } from '@keephold/custody/sql';
import { type Custody, overrideCustody } from '@keephold/protocol';
import {
  type AccountKeeper,
  KeychainAuthority,
  OpenAccounts,
  type Patience,
  quotaKeeper,
  type RunningServer,
  startServer,
} from '@keephold/server';
import { type AccountFixture, type FixtureDevice, type Lie, lyingCustody } from '@keephold/testkit';
import { openServerFolder, type ServerFolder } from '../../src/jobs/server-folder.ts';

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

export interface TestServer extends AsyncDisposable {
  readonly server: RunningServer;
  readonly serverId: Uint8Array;
  readonly folder: string;
  readonly surroundings: ServerFolder['surroundings'];
  readonly lines: string[];
  /** As its operator has the accounts. */
  readonly keeper: AccountKeeper;
  readonly signUp: (account: AccountFixture) => Promise<void>;
  /** As a device, which is what its keychain says. */
  readonly clientOf: (account: AccountFixture, options?: ClientOptions) => HttpCustody;
  /** As who knows the words of the account. */
  readonly ownerOf: (account: AccountFixture, ahead?: number) => Promise<HttpCustody>;
  /** What carries the requests of `ownerOf`. */
  readonly unlockedOf: (account: AccountFixture, ahead?: number) => Promise<{ readonly transport: Transport }>;
  /** One more process, as far as sessions go: `afterKeychain` runs when it has read an account and not yet answered. */
  readonly another: (afterKeychain?: () => Promise<void>) => Promise<RunningServer>;
}

export interface ClientOptions {
  readonly device?: FixtureDevice;
  readonly serverId?: Uint8Array;
  /** Milliseconds that its clock is ahead. */
  readonly ahead?: number;
}

type Parts = Pick<KeeperOptions, 'database' | 'storage'>;

export interface TestServerOptions {
  readonly open?: OpenOptions;
  /** Where accounts are kept; in `folder`, which goes with the server, without it. */
  readonly parts?: (folder: string) => Promise<Parts>;
  /** Milliseconds. */
  readonly grace?: number;
  readonly now?: () => number;
  /** How clients send; by `fetch` without it. */
  readonly send?: Send;
  readonly earlyPurge?: 'refused' | 'allowed';
  /** What it answers instead of the truth, asked anew for each request. */
  readonly lies?: () => readonly Lie[];
  readonly packsAtOnce?: number;
  /** Milliseconds. */
  readonly patience?: Patience;
  /** Runs before a pack is stored. */
  readonly beforePack?: () => Promise<void>;
}

function foldersIn(folder: string): Parts {
  const path = join(folder, 'accounts');
  return { database: { kind: 'files', folder: path }, storage: { kind: 'folder', path } };
}

/** The words of every account here: 32 bytes that are all the same as the first of its id. */
export function wordsOf({ accountId }: AccountFixture): Parameters<typeof signInWithWords>[1] {
  const key = ed25519FromSeed(asKey('Ed25519Seed', new Uint8Array(32).fill(accountId[0] as number)));
  return { recoveryId: accountId, keyFor: () => key };
}

export async function createTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const folder = await mkdtemp(join(tmpdir(), 'keephold-server-'));
  const now = options.now ?? Date.now;
  const parts = (await options.parts?.(folder)) ?? foldersIn(folder);
  const database =
    parts.database.kind === 'shared'
      ? parts.database.database
      : await SqliteDatabase.open(join(folder, 'accounts.sqlite'), 'durable');
  const {
    serverId,
    surroundings,
    signer: ownSigner,
  } = await openServerFolder(folder, { database, signUp: 'by-invitation', now });
  const signers = new Map<string, FixtureDevice>();
  const repositories = await openKeeper({
    ...parts,
    optionsOf: (accountId) => {
      const signer = signers.get(Buffer.from(accountId).toString('hex')) ?? ownSigner;
      return { signer, ...options.open };
    },
  });
  const keeper = new OpenAccounts(quotaKeeper(repositories, surroundings));
  const { beforePack } = options;
  const held: AccountKeeper = {
    create: async (records) => await keeper.create(records),
    close: async () => await keeper.close(),
    use: async (accountId, work) =>
      await keeper.use(accountId, async (custody) => {
        const putPack: Custody['putPack'] = async (...args) => {
          await beforePack?.();
          await custody.putPack(...args);
        };
        const honest = overrideCustody(custody, { putPack });
        return await work(lyingCustody(honest, options.lies?.() ?? []) as KeptCustody);
      }),
  };
  const knowing = { accounts: surroundings, serverId, now, random };
  const authority = new KeychainAuthority({ keeper: held, ...knowing });
  const lines: string[] = [];
  const server = await startServer(
    {
      ...{ keeper: held, authority, accounts: surroundings, earlyPurge: options.earlyPurge ?? 'refused' },
      log: { write: (line) => void lines.push(line) },
      ...(options.grace !== undefined && { grace: options.grace }),
      ...{ patience: options.patience, ...(options.packsAtOnce !== undefined && { packsAtOnce: options.packsAtOnce }) },
    },
    { host: '127.0.0.1', port: 0 },
  );
  const others: RunningServer[] = [];
  const another: TestServer['another'] = async (afterKeychain) => {
    const use: AccountKeeper['use'] = async (accountId, work) => {
      const result = await held.use(accountId, work);
      await afterKeychain?.();
      return result;
    };
    const authority = new KeychainAuthority({ keeper: { ...held, use }, ...knowing });
    const parts = { keeper: held, authority, accounts: surroundings, log: { write: () => undefined } };
    const other = await startServer(parts, { host: '127.0.0.1', port: 0 });
    others.push(other);
    return other;
  };
  const transportOf = (
    account: AccountFixture,
    known: Uint8Array,
    { device, ahead = 0 }: Pick<ClientOptions, 'device' | 'ahead'>,
  ): Transport => {
    const pause = async (): Promise<void> => await wait(1);
    const credentials = device && { ...device, serverId: known };
    const { accountId } = account;
    const sending = options.send && { send: options.send };
    const { url: origin } = server;
    const clock = (): number => Date.now() + ahead;
    return new Transport({ origin, accountId, device: credentials, now: clock, random, wait: pause, ...sending });
  };
  const unlockedOf: TestServer['unlockedOf'] = async (account, ahead = 0) => {
    const clock = (): number => Date.now() + ahead;
    const login = await signInWithWords({ origin: server.url, now: clock, random }, wordsOf(account));
    if (login === undefined) throw new Error('the words do not sign in');
    const transport = transportOf(account, serverId, { ahead });
    transport.unlock(login.session);
    return { transport };
  };
  return {
    server,
    serverId,
    folder,
    surroundings,
    lines,
    keeper: held,
    another,
    clientOf: (account, { device = account.devices[0], serverId: known = serverId, ahead = 0 } = {}) =>
      new HttpCustody(transportOf(account, known, { ...(device !== undefined && { device }), ahead })),
    unlockedOf,
    ownerOf: async (account, ahead) => new HttpCustody((await unlockedOf(account, ahead)).transport),
    signUp: async (account) => {
      signers.set(Buffer.from(account.accountId).toString('hex'), account.devices[0] as FixtureDevice);
      await keeper.create(account);
      const { accountId, slots } = account;
      const { publicKey } = wordsOf(account).keyFor(accountId);
      await surroundings.database.transaction(async (sql) => {
        const text = 'INSERT INTO recovery (recovery_id, account_id, public_key, slot_id) VALUES (?, ?, ?, ?)';
        await sql.query(text, accountId, accountId, publicKey, slots[0]?.slotId ?? new Uint8Array(16));
      });
    },
    [Symbol.asyncDispose]: async () => {
      for (const running of [...others, server]) await running.stop();
      // What was passed in is its owner's to close.
      if (parts.database.kind === 'files') await database.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
