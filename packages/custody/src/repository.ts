/** A repository, wherever its files and its ledger are: the one place that puts the parts of this package together. */
import type { Worker } from 'node:worker_threads';
import { type Backend, type FolderBackend, limitWrites, type WriteLimit } from '@keephold/backend';
import { utf8Encode } from '@keephold/bytes';
import { type AccountId, CustodyError, type ObjectName } from '@keephold/protocol';
import { AccountRecords } from './account/account-records.ts';
import type { KeychainCopy } from './account/keychain-copy.ts';
import type { KeeperClock } from './clock.ts';
import { asCustodyError } from './custody-failure.ts';
import type { KeeperSigner } from './keeper-signer.ts';
import { MARKER, README, VAULTS } from './layout.ts';
import { Ledger } from './ledger/ledger.ts';
import type { LedgerDatabase } from './ledger/ledger-database.ts';
import { LedgerCustody } from './ledger-custody.ts';
import { encodeMarker, MARKER_HINT, type Marker, parseMarker, README_TEXT } from './marker.ts';
import { type ParitySetting, withParity } from './parity/parity-backend.ts';
import { directCoder, threadedCoder } from './parity/parity-coder.ts';
import type { KeptCustody } from './upkeep.ts';

/** Where the parts of a repository are. */
export interface RepositoryPlace {
  /** For messages. */
  readonly name: string;
  readonly backend: Backend;
  /** `backend` where it is a folder: writers that died leave something there, and names cost little. */
  readonly folder?: FolderBackend;
  readonly database: LedgerDatabase;
}

export interface RepositoryOptions {
  readonly clock?: KeeperClock;
  /** Without it nothing can be trashed, expired or purged. */
  readonly signer?: KeeperSigner;
  /** What is known of the keychain from elsewhere, for entries that are damaged here. */
  readonly keychainCopy?: KeychainCopy;
  /** Holds writes to a rate. */
  readonly writeLimit?: WriteLimit;
  /** Starts a thread that computes the parity of packs (`runParityWorker`); without it this thread does. */
  readonly spawnParityWorker?: () => Promise<Worker>;
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
 * Opens lazily: one small file is read now, the ledger when it is first needed.
 * @throws CustodyError 'no-repository', 'newer-version', 'damaged', 'no-permission'
 */
export async function openRepository(place: RepositoryPlace, options: RepositoryOptions = {}): Promise<KeptCustody> {
  const { backend: plain, database, folder } = place;
  const { account: accountId, parity: percent } = parseMarker(await readMarker(place));
  const limited = options.writeLimit === undefined ? plain : limitWrites(plain, options.writeLimit);
  const parity = percent === undefined ? undefined : parityOf(percent, options);
  const backend = parity === undefined ? limited : withParity(limited, parity);
  const account = new AccountRecords(backend, accountId, options.keychainCopy);
  const ledger = new Ledger({ database, backend, account });
  const { clock = systemClock, signer } = options;
  return new LedgerCustody({ backend, plain, folder, parity, account, ledger, clock, signer });
}

async function readMarker(place: RepositoryPlace): Promise<Uint8Array> {
  try {
    const marker = await place.backend.get(MARKER, { length: MARKER_LIMIT });
    if (marker !== undefined) return marker;
    throw await withoutMarker(place);
  } catch (error) {
    throw asCustodyError(error);
  }
}

/** Commits are there only when the creation was finished: then the marker was lost. */
async function withoutMarker({ backend, name }: RepositoryPlace): Promise<CustodyError> {
  for await (const _ of backend.list(VAULTS)) {
    return new CustodyError('damaged', `open repository ${name}: ${MARKER} is missing`, { hint: MARKER_HINT });
  }
  return new CustodyError('no-repository', `open repository ${name}: there is none`);
}

function parityOf(percent: number, { spawnParityWorker }: RepositoryOptions): ParitySetting {
  return { percent, coder: spawnParityWorker === undefined ? directCoder : threadedCoder(spawnParityWorker) };
}

/** The marker is written last: what was cut short is no repository. The caller sees to it that nobody else does the same. */
export async function writeRepository(backend: Backend, records: GenesisRecords): Promise<void> {
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
