/**
 * A real repository folder with a real device, for backups by real worker threads. Everything lies in one folder, so
 * that another process can go on with it (_backup-process.ts).
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ed25519FromSeed, sha256, sign, systemRandom } from '@keephold/crypto';
import { createRepositoryFolder, openRepositoryFolder } from '@keephold/custody';
import { openRepository, type Repository, type Source } from '@keephold/engine';
import { type BackupOptions, type BackupReport, backup, readingTools } from '@keephold/engine/node';
import type { Custody, StreamId } from '@keephold/protocol';
import { createDatabaseCopies, createFileSource, type FileSourceOptions } from '@keephold/source-files';
import {
  confirmSessionObjects,
  createAccount,
  type DeviceState,
  decodeDeviceState,
  encodeDeviceState,
  openDevice,
  openSessionObject,
  readKeysOf,
  recordVerifier,
  startSession,
  withChain,
  writeKeysOf,
} from '@keephold/vault';
import { signerOf } from '../../src/access/open-device.ts';
import '../_cheap-argon2-process.ts';
import { builtCommand } from '../_built-command.ts';

export interface BackupRequest extends Partial<Omit<BackupOptions, 'source'>> {
  readonly roots: readonly (string | Uint8Array)[];
  readonly filter?: FileSourceOptions['filter'];
  readonly oneFileSystem?: boolean;
  readonly snapshots?: FileSourceOptions['snapshots'];
  /** Called when a folder was listed and nothing of it was read. */
  readonly onListed?: (path: Uint8Array) => void;
  /** Wraps the keeper, to make it fail. */
  readonly wrap?: (custody: Custody) => Custody;
}

export class BackupRepository implements Disposable {
  readonly folder: string;

  /** Goes on with the repository in `folder`. */
  constructor(folder: string) {
    this.folder = folder;
  }

  /** Makes one in a new folder below `parent`. */
  static async create(parent: string = tmpdir()): Promise<BackupRepository> {
    const repository = new BackupRepository(mkdtempSync(join(parent, 'keephold-backup-')));
    mkdirSync(repository.cacheFolder);
    const account = await createAccount({
      password: 'never used again',
      now: Date.now(),
      random: systemRandom,
      role: 'trusted',
    });
    const custody = await createRepositoryFolder(repository.repositoryFolder, {
      accountId: account.accountId,
      keychain: account.keychainEntries,
      slots: account.slots,
      keyring: account.sealedKeyring,
      grants: [],
    });
    await custody[Symbol.asyncDispose]();
    repository.#save(account.device);
    return repository;
  }

  get repositoryFolder(): string {
    return join(this.folder, 'repository');
  }

  get cacheFolder(): string {
    return join(this.folder, 'cache');
  }

  async backup(request: BackupRequest): Promise<BackupReport> {
    const { roots, filter, oneFileSystem, snapshots, onListed, wrap, ...options } = request;
    const opened = await openRepositoryFolder(this.repositoryFolder, {});
    const custody = wrap === undefined ? opened : wrap(opened);
    const { spawnBackupWorker, spawnDatabaseCopyProcess } = await builtCommand().workers();
    try {
      const state = this.#load();
      const { keychain } = await openDevice(opened, state);
      const keys = writeKeysOf(state);
      const files = createFileSource({
        roots: roots.map((root) => (typeof root === 'string' ? Buffer.from(root) : root)),
        filter,
        oneFileSystem: oneFileSystem ?? false,
        snapshots,
      });
      const source = onListed === undefined ? files : telling(files, onListed);
      return await backup({
        custody,
        keys,
        devicePublicKey: ed25519FromSeed(state.signingSeed).publicKey,
        sign: (message) => sign(state.signingSeed, message),
        keychain: () => keychain,
        nextSession: () => this.#nextSession(),
        stream: streamOf(source.roots),
        hostname: 'test',
        clientVersion: 'test',
        source,
        copyDatabases: (folder) => createDatabaseCopies({ spawn: spawnDatabaseCopyProcess, folder }),
        spawnWorker: spawnBackupWorker,
        workers: 2,
        cacheFolder: this.cacheFolder,
        tags: [],
        compression: 1,
        memory: 256 * 1024 * 1024,
        checkpointEvery: 300_000,
        dryRun: false,
        signal: new AbortController().signal,
        onProgress: () => undefined,
        now: () => BigInt(Date.now()) * 1_000_000n,
        random: systemRandom,
        native: true,
        ...options,
      });
    } finally {
      await opened[Symbol.asyncDispose]();
    }
  }

  /** Opens it for reading while `use` runs. */
  async read<T>(use: (repository: Repository, custody: Custody) => Promise<T>): Promise<T> {
    const stored = this.#load();
    const custody = await openRepositoryFolder(this.repositoryFolder, { signer: signerOf(stored) });
    try {
      const keys = readKeysOf(stored);
      if (keys === undefined) throw new Error('the device cannot read');
      const { keychain } = await openDevice(custody, stored);
      const repository = await openRepository({
        custody,
        keys,
        keychain,
        verifier: recordVerifier,
        openSessionObject: ({ bytes, name, deviceId }) =>
          openSessionObject({ bytes, name, deviceId, vaultId: keys.vaultId, readKeySeeds: keys.readKeySeeds }),
        ...readingTools(keys.idKey, { native: true }),
      });
      return await use(repository, custody);
    } finally {
      await custody[Symbol.asyncDispose]();
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Every session has its own link, also across processes: a folder made by one of them is its claim. */
  async #nextSession(): ReturnType<BackupOptions['nextSession']> {
    const session = await this.#locked(async () => {
      const state = this.#load();
      const keys = writeKeysOf(state);
      return await startSession({
        chain: state.chain,
        vaultId: keys.vaultId,
        deviceId: keys.deviceId,
        epoch: keys.epoch,
        readKeyPublic: keys.readKeyPublic,
        machineId: 'test',
        now: Date.now(),
        random: systemRandom,
        persist: async (chain) => this.#save(withChain(this.#load(), chain)),
      });
    });
    const confirmed = async (): Promise<void> =>
      await this.#locked(async () => {
        const state = this.#load();
        if (state.chain !== undefined) this.#save(withChain(state, confirmSessionObjects(state.chain)));
      });
    return { ...session, confirmed };
  }

  async #locked<T>(action: () => Promise<T>): Promise<T> {
    const lock = join(this.folder, 'lock');
    for (;;) {
      try {
        mkdirSync(lock);
        break;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
    try {
      return await action();
    } finally {
      rmSync(lock, { recursive: true });
    }
  }

  /** A process that was killed leaves it behind. */
  breakLock(): void {
    const lock = join(this.folder, 'lock');
    if (existsSync(lock)) rmSync(lock, { recursive: true });
  }

  #load(): DeviceState {
    return decodeDeviceState(readFileSync(join(this.folder, 'state')));
  }

  #save(state: DeviceState): void {
    const path = join(this.folder, 'state');
    writeFileSync(`${path}.new`, encodeDeviceState(state));
    renameSync(`${path}.new`, path);
  }
}

function telling(source: Source, onListed: (path: Uint8Array) => void): Source {
  return {
    roots: source.roots,
    frozen: source.frozen,
    list: (path, only) => {
      const listing = source.list(path, only);
      onListed(path);
      return listing;
    },
    describe: (path, stats, row) => source.describe(path, stats, row),
    livesElsewhere: (path, stats, row) => source.livesElsewhere(path, stats, row),
    get excluded() {
      return source.excluded;
    },
  };
}

function streamOf(roots: readonly Uint8Array[]): StreamId {
  return sha256(...roots.flatMap((root) => [root, new Uint8Array(1)])).slice(0, 16) as StreamId;
}
