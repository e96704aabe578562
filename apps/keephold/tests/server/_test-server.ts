/** A real server on loopback with folders in a temporary place, and clients of it. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { createAccountOn, HttpCustody, type Send } from '@keephold/client';
import type { OpenOptions } from '@keephold/custody';
import { type Custody, overrideCustody } from '@keephold/protocol';
import { type AccountKeeper, FolderKeeper, KeychainAuthority, type RunningServer, startServer } from '@keephold/server';
import type { AccountFixture, FixtureDevice } from '@keephold/testkit';

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

export interface TestServer extends AsyncDisposable {
  readonly server: RunningServer;
  readonly serverId: Uint8Array;
  readonly folder: string;
  readonly lines: string[];
  readonly signUp: (account: AccountFixture) => Promise<void>;
  readonly clientOf: (account: AccountFixture, options?: ClientOptions) => HttpCustody;
}

export interface ClientOptions {
  readonly device?: FixtureDevice;
  /** device: what the keychain says it is; owner: an unlocked app. */
  readonly as?: 'device' | 'owner';
  readonly serverId?: Uint8Array;
}

export interface TestServerOptions {
  readonly open?: OpenOptions;
  /** Milliseconds. */
  readonly grace?: number;
  readonly now?: () => number;
  /** How clients send; by `fetch` without it. */
  readonly send?: Send;
  /** Runs before a pack is stored. */
  readonly beforePack?: () => Promise<void>;
}

export async function createTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const folder = await mkdtemp(join(tmpdir(), 'keephold-server-'));
  const serverId = random(16);
  const signers = new Map<string, FixtureDevice>();
  const keeper = new FolderKeeper(folder, (accountId) => {
    const signer = signers.get(Buffer.from(accountId).toString('hex'));
    return { ...(signer !== undefined && { signer }), ...options.open };
  });
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
        return await work(overrideCustody(custody, { putPack }));
      }),
  };
  const now = options.now ?? Date.now;
  const authority = new KeychainAuthority({ keeper: held, serverId, now, random });
  const lines: string[] = [];
  const server = await startServer(
    {
      keeper: held,
      authority,
      invitations: { redeem: async (_, create) => await create() },
      log: { write: (line) => void lines.push(line) },
      ...(options.grace !== undefined && { grace: options.grace }),
    },
    { host: '127.0.0.1', port: 0 },
  );
  const clientOf: TestServer['clientOf'] = (account, { device, as = 'owner', serverId: known = serverId } = {}) => {
    const { deviceId, publicKey, sign } = device ?? (account.devices[0] as FixtureDevice);
    const { accountId, signAsOwner } = account;
    const owner = as === 'owner' ? { signAsOwner } : {};
    const credentials = { accountId, deviceId, publicKey, sign, serverId: known, ...owner };
    const pause = async (): Promise<void> => await wait(1);
    const { send } = options;
    const sending = send === undefined ? {} : { send };
    return new HttpCustody({ origin: server.url, credentials, now: Date.now, random, wait: pause, ...sending });
  };
  return {
    server,
    serverId,
    folder,
    lines,
    clientOf,
    signUp: async (account) => {
      signers.set(Buffer.from(account.accountId).toString('hex'), account.devices[0] as FixtureDevice);
      const { keyring, keychain, slots } = account;
      await createAccountOn(server.url, { invitation: 'welcome', keyring, keychain, slots });
      for (const { name, sealed } of account.grants) await clientOf(account).putGrant(name, sealed);
    },
    [Symbol.asyncDispose]: async () => {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
