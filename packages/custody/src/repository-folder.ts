/** Making and opening a repository folder: the one place that puts the parts of this package together. */
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { type Disk, FolderBackend, limitWrites, type WriteLimit } from '@keephold/backend';
import { utf8Encode } from '@keephold/bytes';
import { type AccountId, type Custody, CustodyError, type ObjectName } from '@keephold/protocol';
import { AccountRecords } from './account/account-records.ts';
import type { KeychainCopy } from './account/keychain-copy.ts';
import type { KeeperClock } from './clock.ts';
import { creatingAlone } from './creation.ts';
import { asCustodyError } from './custody-failure.ts';
import { FolderCustody } from './folder-custody.ts';
import type { KeeperSigner } from './keeper-signer.ts';
import { LEDGER, MARKER, README, VAULTS } from './layout.ts';
import { Ledger } from './ledger/ledger.ts';
import type { SqlDatabase } from './ledger/sql.ts';
import { encodeMarker, MARKER_HINT, type Marker, parseMarker, README_TEXT } from './marker.ts';
import { type ParitySetting, withParity } from './parity/parity-backend.ts';
import { directCoder, threadedCoder } from './parity/parity-coder.ts';

export interface OpenOptions {
  readonly clock?: KeeperClock;
  /** Without it nothing can be trashed, expired or purged. */
  readonly signer?: KeeperSigner;
  /** What is known of the keychain from elsewhere, for entries that are damaged here. */
  readonly keychainCopy?: KeychainCopy;
  /** Holds writes to a rate. */
  readonly writeLimit?: WriteLimit;
  /** Starts a thread that computes the parity of packs (`runParityWorker`); without it this thread does. */
  readonly spawnParityWorker?: () => Promise<Worker>;
  /** The file system; tests bring one that fails. */
  readonly disk?: Disk;
  /** The ledger's database; tests bring one that fails. */
  readonly openDatabase?: (path: string) => Promise<SqlDatabase>;
}

/** What a repository starts with. Nothing of it is secret. */
export interface GenesisRecords {
  readonly accountId: AccountId;
  /** Parity blocks that packs get for 100 data blocks, 1–100; undefined: none. */
  readonly parity?: number | undefined;
  /** From genesis on, in order. */
  readonly keychain: readonly Uint8Array[];
  readonly slots: readonly { readonly slotId: Uint8Array; readonly record: Uint8Array }[];
  readonly keyring: Uint8Array;
  readonly grants: readonly { readonly name: ObjectName; readonly sealed: Uint8Array }[];
}

// The one place of this package that reads the time by itself: for callers that only look and pass no clock.
// oxlint-disable-next-line eslint/no-restricted-properties
const systemClock: KeeperClock = { now: () => Date.now() };
/** Longer than any version of the marker. */
const MARKER_LIMIT = 64 * 1024;

/**
 * Makes a repository in a folder that is empty or not there. The marker is written last: a creation that was cut short
 * leaves a folder that is no repository, and can be begun again.
 * @throws CustodyError 'refused' when the folder has something else in it.
 */
export async function createRepositoryFolder(
  path: string,
  records: GenesisRecords,
  options: OpenOptions = {},
): Promise<Custody> {
  try {
    const backend = new FolderBackend({ path, ...diskOf(options) });
    await backend.makeRoot();
    await creatingAlone(path, async () => await writeRepository(backend, records));
  } catch (error) {
    throw asCustodyError(asFolderError(error, `create repository in ${path}`));
  }
  return await openRepositoryFolder(path, options);
}

/**
 * Opens lazily: one small file is read now, the ledger when it is first needed.
 * @throws CustodyError 'no-repository', 'newer-version', 'damaged', 'no-permission'
 */
export async function openRepositoryFolder(path: string, options: OpenOptions = {}): Promise<Custody> {
  const folder = new FolderBackend({ path, ...diskOf(options) });
  let marker: Uint8Array | undefined;
  try {
    marker = await folder.get(MARKER, { length: MARKER_LIMIT });
  } catch (error) {
    throw asCustodyError(error);
  }
  if (marker === undefined) throw await withoutMarker(folder, path);
  const { account: accountId, parity: percent } = parseMarker(marker);
  const limited = options.writeLimit === undefined ? folder : limitWrites(folder, options.writeLimit);
  const parity = percent === undefined ? undefined : parityOf(percent, options);
  const backend = parity === undefined ? limited : withParity(limited, parity);
  const account = new AccountRecords(backend, accountId, options.keychainCopy);
  const { openDatabase } = options;
  const ledger = new Ledger({
    path: join(path, LEDGER),
    backend,
    account,
    ...(openDatabase === undefined ? {} : { openDatabase }),
  });
  return new FolderCustody({
    backend,
    folder,
    parity,
    account,
    ledger,
    clock: options.clock ?? systemClock,
    signer: options.signer,
  });
}

/** Commits are there only when the creation was finished: then the marker was lost. */
async function withoutMarker(folder: FolderBackend, path: string): Promise<CustodyError> {
  for await (const _ of folder.list(VAULTS)) {
    return new CustodyError('damaged', `open repository ${path}: ${MARKER} is missing`, { hint: MARKER_HINT });
  }
  return new CustodyError('no-repository', `open repository ${path}: there is none`);
}

function parityOf(percent: number, { spawnParityWorker }: OpenOptions): ParitySetting {
  return { percent, coder: spawnParityWorker === undefined ? directCoder : threadedCoder(spawnParityWorker) };
}

async function writeRepository(backend: FolderBackend, records: GenesisRecords): Promise<void> {
  const marker: Marker = { account: records.accountId, parity: records.parity };
  const { parity } = marker;
  const keeping = parity === undefined ? backend : withParity(backend, parityOf(parity, {}));
  await writeGenesis(new AccountRecords(keeping, records.accountId), records);
  await backend.put(README, utf8Encode(README_TEXT));
  await backend.put(MARKER, encodeMarker(marker));
}

async function writeGenesis(account: AccountRecords, records: GenesisRecords): Promise<void> {
  for (const entry of records.keychain) {
    if ((await account.appendKeychain(entry)) !== 'appended') {
      throw new CustodyError('refused', 'create repository: the keychain entries do not follow each other');
    }
  }
  for (const { slotId, record } of records.slots) await account.putSlot(slotId, record);
  await account.putKeyring(records.keyring);
  for (const { name, sealed } of records.grants) await account.putGrant(name, sealed);
}

function diskOf({ disk }: OpenOptions): { readonly disk?: Disk } {
  return disk === undefined ? {} : { disk };
}

const FOLDER_ERRORS: Readonly<Record<string, CustodyError['code']>> = {
  EACCES: 'no-permission',
  EPERM: 'no-permission',
  EROFS: 'read-only',
  ENOSPC: 'no-room',
  EDQUOT: 'no-room',
  ENOTDIR: 'refused',
  EEXIST: 'refused',
};

function asFolderError(error: unknown, action: string): unknown {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return error;
  const code = FOLDER_ERRORS[error.code];
  return code === undefined ? error : new CustodyError(code, `${action}: ${error.message}`, { cause: error });
}
