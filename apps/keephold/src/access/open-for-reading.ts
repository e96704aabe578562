/**
 * Opens a repository to read: with the read keys of a trusted device, else with the password or the words. Nothing is
 * written to the repository and nothing but the cache on this machine, so that a new computer can restore with the
 * password alone.
 */
import {
  type CommitLogState,
  type EngineError,
  openRepository,
  type Repository,
  type SessionEntry,
} from '@keephold/engine';
import { readingTools } from '@keephold/engine/node';
import {
  type ChainPin,
  type Custody,
  ForkError,
  type Head,
  type KeychainState,
  requireHeadFromPin,
  requireKeychainPin,
  type VaultId,
} from '@keephold/protocol';
import {
  DeviceFaultError,
  type DeviceState,
  openDevice,
  openSessionObject,
  type ReadKeys,
  readKeys,
  readKeysOf,
  recordVerifier,
} from '@keephold/vault';
import type { Context } from '../context.ts';
import { DeviceStore } from './device-store.ts';
import { keepingEvidence } from './evidence.ts';
import { HistoryFile } from './history-file.ts';
import { tellingLostEnd } from './lost-keychain-end.ts';
import { hashOfCommit, requireSeenEntries, tellOlderCopy, withSeenKeychain } from './older-copy.ts';
import { requireVault } from './open-device.ts';
import { withCurrentKeys } from './renew-keys.ts';
import { repositoryPlace } from './repository-folder.ts';
import { SessionCopies, withSessionCopies } from './session-copies.ts';
import { unlockAccount } from './unlock.ts';

export interface ReadAccess extends AsyncDisposable {
  readonly repository: Repository;
  readonly custody: Custody;
  readonly vaultId: VaultId;
  /** Session objects that this machine made, where it is a device. */
  readonly ownSessions: readonly SessionEntry[];
  /** What opened it: the keys of this device, or what the user knows, by way of the account's keyring. */
  readonly openedBy: 'device' | 'secret';
  /** The user reads a copy that is older than what this machine has seen: it is to be left as it is. */
  readonly isOlder: boolean;
}

export interface ReadingOptions {
  /** anew: every commit is read and verified again, also those that this device has seen. */
  readonly history?: 'continued' | 'anew';
  /** Told of what reading could go around; warnings without it. */
  readonly onDamage?: (error: EngineError) => void;
}

/**
 * @throws RollbackError, ForkError when the repository is not a continuation of what this machine has seen; what shows
 *   it is kept (evidence.ts).
 */
export async function openForReading(context: Context, options: ReadingOptions = {}): Promise<ReadAccess> {
  const custody = await context.openRepository(repositoryPlace(context));
  try {
    const store = new DeviceStore(context.environment, await custody.accountId());
    const reading = async (): Promise<ReadAccess> => await read(context, { custody, store, options });
    return await keepingEvidence(context, store.folder, () => tellingLostEnd(context, store, reading));
  } catch (error) {
    await custody[Symbol.asyncDispose]();
    throw error;
  }
}

interface Opening {
  readonly custody: Custody;
  readonly store: DeviceStore;
  readonly options: ReadingOptions;
}

async function read(context: Context, { custody, store, options }: Opening): Promise<ReadAccess> {
  const isOlderAllowed = context.globals['older-copy'];
  const { keys, keychain, state, openedBy } = await readerKeys(context, custody, store);
  await store.keychain.save(keychain, custody);
  const history = new HistoryFile(context.environment, keys.accountId);
  const seen = history.load(keys.vaultId);
  const copies = new SessionCopies(store.folder);
  const ownSessions = state === undefined ? [] : copies.names().map((name) => ({ name, deviceId: state.deviceId }));
  const repository = await openRepository({
    custody: withSessionCopies(custody, copies),
    ownSessions,
    keys,
    keychain,
    verifier: recordVerifier,
    openSessionObject: ({ bytes, name, deviceId }) =>
      openSessionObject({ bytes, name, deviceId, vaultId: keys.vaultId, readKeySeeds: keys.readKeySeeds }),
    ...readingTools(keys.idKey, { native: true }),
    log: options.history === 'anew' || isOlderAllowed ? undefined : seen,
    onDamage: options.onDamage ?? warnOnce(context),
    signal: context.signal,
    now: () => context.now(),
  });
  const { vaultId } = keys;
  const pins = [state?.grant.headPin, seen && headOfLog(seen)].filter((pin) => pin !== undefined);
  // Where the newest commits cannot be read, the head is the keeper's word.
  const head = repository.log.isWhole ? repository.log.head : await custody.head(vaultId);
  const ahead = pins.filter(({ seq }) => seq > head.seq).toSorted((a, b) => b.seq - a.seq);
  const isOlder = isOlderAllowed && ahead.length > 0;
  for (const pin of pins) if (!isOlder || pin.seq <= head.seq) requireContinues(repository, head, pin);
  if (isOlder) tellOlderCopy(context, { head, pin: ahead[0]!, seen });
  history.save(repository.log);
  const dispose = async (): Promise<void> => await custody[Symbol.asyncDispose]();
  return { repository, custody, vaultId, ownSessions, openedBy, isOlder, [Symbol.asyncDispose]: dispose };
}

/** Reading comes by the same damaged object many times. */
function warnOnce({ out }: Pick<Context, 'out'>): (error: EngineError) => void {
  const told = new Set<string>();
  return ({ message }) => {
    if (!told.has(message)) out.warn(message);
    told.add(message);
  };
}

function requireContinues({ log }: Repository, head: Head, pin: ChainPin): void {
  requireHeadFromPin(head, pin);
  if (log.head.seq < pin.seq || log.continues(pin)) return;
  throw new ForkError(`read commits: commit ${pin.seq} is not the one this device has seen`);
}

function headOfLog(log: CommitLogState): ChainPin {
  return { seq: log.seq, hash: hashOfCommit(log, log.seq) };
}

interface Reader {
  readonly keys: ReadKeys;
  readonly keychain: KeychainState;
  /** Of this device, where it is enrolled: what it has seen counts. */
  readonly state: DeviceState | undefined;
  readonly openedBy: ReadAccess['openedBy'];
}

async function readerKeys(context: Context, custody: Custody, store: DeviceStore): Promise<Reader> {
  const state = await store.loadWithReadKeys();
  const isOlderAllowed = context.globals['older-copy'];
  const seen = isOlderAllowed ? store.keychain.load() : [];
  const known = state === undefined ? undefined : await deviceKeys(withSeenKeychain(custody, seen), state, store);
  if (known !== undefined) return known;
  const unlocked = await unlockAccount(context, custody);
  // A device that may not read still knows how far the history went.
  if (isOlderAllowed) requireSeenEntries(unlocked.keychain, seen);
  else if (state !== undefined) requireKeychainPin(unlocked.keychain, state.grant.keychainPin);
  const keys = readKeys(unlocked, requireVault(unlocked.keychain));
  return { keys, keychain: unlocked.keychain, state, openedBy: 'secret' };
}

/** Undefined when the device cannot read with what it holds. */
async function deviceKeys(custody: Custody, stored: DeviceState, store: DeviceStore): Promise<Reader | undefined> {
  if (readKeysOf(stored) === undefined) return undefined;
  try {
    return await withCurrentKeys({ store, stored, custody }, async (held) => {
      const { state, keychain } = await openDevice(custody, held);
      const keys = readKeysOf(state);
      if (keys === undefined) throw new DeviceFaultError('grant-stale', 'open device: its grant has no read keys');
      return { keys, keychain, state, openedBy: 'device' };
    });
  } catch (error) {
    if (error instanceof DeviceFaultError) return undefined;
    throw error;
  }
}
