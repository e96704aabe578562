/**
 * What a night is made of, from packages that keep it to themselves or that this folder cannot name: typed as far as it
 * is used. Only a process that resolves the sources can call it.
 */
import { join } from 'node:path';

export interface Device {
  readonly deviceId: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly sign: (message: Uint8Array) => Uint8Array;
}

export interface Account {
  readonly accountId: Uint8Array;
  readonly vault: Uint8Array;
  readonly devices: readonly Device[];
}

export interface Pack {
  readonly id: Uint8Array;
  readonly bytes: Uint8Array;
}

export interface Custody {
  keychain(from: number): Promise<unknown>;
  head(vault: Uint8Array): Promise<{ readonly seq: number; readonly hash: Uint8Array }>;
  commits(vault: Uint8Array, since: number): AsyncIterable<unknown>;
  referablePacks(vault: Uint8Array): Promise<Uint8Array>;
  getObjects(vault: Uint8Array, names: readonly Uint8Array[]): Promise<unknown>;
  openSession(vault: Uint8Array): Promise<void>;
  putPack(vault: Uint8Array, id: Uint8Array, bytes: Uint8Array): Promise<void>;
  getPack(vault: Uint8Array, id: Uint8Array, into: Uint8Array): Promise<number | undefined>;
  putObject(vault: Uint8Array, name: Uint8Array, bytes: Uint8Array): Promise<void>;
  refset(vault: Uint8Array, seq: number): Promise<Uint8Array>;
  commit(vault: Uint8Array, request: unknown): Promise<{ readonly kind: string }>;
  lostPacks(vault: Uint8Array): Promise<Uint8Array>;
  accountUsage(): Promise<unknown>;
}

/** One request, from when it is sent to the end of its answer's head. */
export interface Outgoing {
  readonly url: string;
  readonly method: string;
}

export interface Parts {
  readonly createAccountFixture: () => Account;
  readonly createPack: (vault: Uint8Array, kind: 1 | 2, pages: number) => Pack;
  readonly createObject: () => { readonly name: Uint8Array; readonly bytes: Uint8Array };
  readonly createCommit: (options: object) => unknown;
  readonly sortPackIds: (ids: readonly Uint8Array[]) => Uint8Array;
  readonly unionPackIds: (a: Uint8Array, b: Uint8Array) => Uint8Array;
  readonly HttpCustody: new (transport: object) => Custody;
  readonly Transport: new (options: object) => object;
  readonly sendByNode: () => (request: Outgoing) => Promise<unknown>;
  readonly openServerParts: (places: object) => Promise<ServerParts>;
  readonly openServerFolder: (folder: string, options: object) => Promise<{ serverId: Uint8Array; signer: object }>;
  readonly openKeeper: (options: object) => Promise<{
    create(account: object): Promise<void>;
    open(accountId: Uint8Array): Promise<Custody>;
  }>;
  readonly startPostgres: (options: object) => Promise<Postgres>;
  readonly hasPostgres: boolean;
}

interface ServerParts {
  readonly accounts: object;
  close(): Promise<void>;
}

export interface Postgres extends AsyncDisposable {
  newDatabase(): Promise<string>;
}

export async function loadParts(): Promise<Parts> {
  const modules = [
    'packages/testkit/src/custody-fixture.ts',
    'packages/testkit/src/postgres-cluster.ts',
    'packages/protocol/src/index.ts',
    'packages/client/src/index.ts',
    'packages/custody/src/index.ts',
    'apps/keephold/src/access/send-by-node.ts',
    'apps/keephold/src/jobs/server-parts.ts',
    'apps/keephold/src/jobs/server-folder.ts',
  ];
  const loaded: object[] = [];
  for (const path of modules) loaded.push((await import(join(import.meta.dirname, '../../..', path))) as object);
  return Object.assign({}, ...loaded) as Parts;
}
