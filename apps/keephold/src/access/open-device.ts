/**
 * Opens a repository as this device, to write into it. A device that has no state for the repository, or whose state no
 * longer holds, is enrolled: the password is needed for that, and for nothing afterwards.
 */
import { sign, systemRandom } from '@keephold/crypto';
import type { KeeperSigner, OpenOptions } from '@keephold/custody';
import { FollowedChain, pinCustody } from '@keephold/engine';
import type { ChainPin, Custody, DeviceRole, KeychainState, VaultId } from '@keephold/protocol';
import {
  DeviceFaultError,
  type DeviceState,
  enrolDevice,
  onlyVault,
  openDevice,
  recordVerifier,
  type Unlocked,
  withPins,
} from '@keephold/vault';
import type { Context } from '../context.ts';
import { CommandError, exitCodes } from '../errors.ts';
import { DeviceStore } from './device-store.ts';
import { keepingEvidence } from './evidence.ts';
import { tellingLostEnd } from './lost-keychain-end.ts';
import { keepNewest, putBackNewest, requireKnownHead } from './newest-commit.ts';
import { PasswordChangeNote } from './password-change.ts';
import { withCurrentKeys } from './renew-keys.ts';
import { isServer, repositoryPlace } from './repository-folder.ts';
import { unlockAccount } from './unlock.ts';

export interface DeviceAccess extends AsyncDisposable {
  /** Its head and what it accepts are checked against what this device has seen. */
  readonly custody: Custody;
  /** The history as far as it is verified, and the keychain it stands on. */
  readonly chain: FollowedChain;
  readonly vaultId: VaultId;
  readonly state: DeviceState;
  readonly store: DeviceStore;
  /** Set when the device was enrolled just now. */
  readonly unlocked: Unlocked | undefined;
}

export interface OpenDeviceOptions {
  /** Of a device that has to be enrolled. */
  readonly role?: DeviceRole;
  readonly custody?: OpenOptions;
}

/**
 * @throws RollbackError, ForkError when the repository is not a continuation of what this device has seen; what shows it
 *   is kept (evidence.ts).
 */
export async function openAsDevice(context: Context, options: OpenDeviceOptions = {}): Promise<DeviceAccess> {
  const folder = repositoryPlace(context);
  // The signer is known only when the account is; opening reads one small file.
  const { writeLimit } = options.custody ?? {};
  const probe = await context.openRepository(folder, writeLimit === undefined ? {} : { writeLimit });
  const store = new DeviceStore(context.environment, await probe.accountId());
  new PasswordChangeNote(store.folder).warn(context);
  return await keepingEvidence(context, store.folder, async () => {
    const known = await tellingLostEnd(context, store, () => openKnownDevice(store, probe));
    const opened = known ?? (await enrol(context, { store, custody: probe, options }));
    const { state } = opened;
    const { vaultId, headPin: pin } = state.grant;
    await putBackNewest(context, { store, custody: probe, vaultId, pin });
    const keeper =
      known !== undefined && isServer(folder)
        ? probe
        : await reopened(context, probe, { ...options.custody, signer: signerOf(state) });
    try {
      return await followed(opened, store, keeper);
    } catch (error) {
      await keeper[Symbol.asyncDispose]();
      throw error;
    }
  });
}

/** A server signs by itself, so the session of a device it knows goes on; a folder is opened again, with what it takes to sign. */
async function reopened(context: Context, probe: Custody, options: OpenOptions): Promise<Custody> {
  await probe[Symbol.asyncDispose]();
  return await context.openRepository(repositoryPlace(context), options);
}

/** The history is followed at once: whoever writes must know that it is the one this device wrote before. */
async function followed(opened: Opened, store: DeviceStore, keeper: Custody): Promise<DeviceAccess> {
  const { state, unlocked, keychain } = opened;
  await store.keychain.save(keychain, keeper);
  const { vaultId, headPin: pin } = state.grant;
  const verifier = recordVerifier;
  const chain = new FollowedChain({ custody: keeper, vaultId, keychain, verifier, pin });
  const onMove = (head: ChainPin): void => {
    // First: whoever has the pin has what it names.
    if (chain.newest !== undefined) store.newestCommit.save(chain.newest);
    store.change((kept) => withHeadPin(kept, head));
  };
  const custody = pinCustody({ custody: keeper, chain, vaultId, verifier, onMove });
  await custody.head(vaultId);
  // Of what this device has seen it knows the hash; the keeper has to know it too.
  requireKnownHead(await keeper.head(vaultId));
  await keepNewest(store, chain.pin, { custody: keeper, vaultId });
  return {
    state,
    unlocked,
    vaultId,
    store,
    chain,
    custody,
    [Symbol.asyncDispose]: () => keeper[Symbol.asyncDispose](),
  };
}

type Opened = Pick<DeviceAccess, 'state' | 'unlocked'> & { readonly keychain: KeychainState };

/** Undefined when the device is unknown here or can no longer write with what it holds. */
async function openKnownDevice(store: DeviceStore, custody: Custody): Promise<Opened | undefined> {
  try {
    const stored = await store.loadWithReadKeys();
    if (stored === undefined) return undefined;
    const device = { store, stored, custody };
    const { state, keychain } = await withCurrentKeys(device, async (held) => await openDevice(custody, held));
    const { keychainPin } = state.grant;
    if (keychainPin.seq > stored.grant.keychainPin.seq) store.change((kept) => withKeychainPin(kept, keychainPin));
    return { state, keychain, unlocked: undefined };
  } catch (error) {
    if (error instanceof DeviceFaultError && error.code !== 'device-revoked') return undefined;
    throw error;
  }
}

/** Another run may have seen more by now: a pin never goes back. */
function withKeychainPin(kept: DeviceState, keychain: ChainPin): DeviceState {
  return keychain.seq > kept.grant.keychainPin.seq ? withPins(kept, { keychain }) : kept;
}

function withHeadPin(kept: DeviceState, head: ChainPin): DeviceState {
  const { headPin } = kept.grant;
  return headPin === undefined || head.seq > headPin.seq ? withPins(kept, { head }) : kept;
}

interface Enrolment {
  readonly store: DeviceStore;
  readonly custody: Custody;
  readonly options: OpenDeviceOptions;
}

async function enrol(context: Context, { store, custody, options }: Enrolment): Promise<Opened> {
  const { environment, out } = context;
  out.note('this device is new to the repository; the password adds it');
  const account = await unlockAccount(context, custody);
  const vaultId = requireVault(account.keychain);
  const role = options.role ?? 'backup-only';
  const { state, unlocked } = await enrolDevice(account, {
    custody,
    vaultId,
    role,
    name: environment.hostname,
    now: context.now(),
    random: systemRandom,
  });
  const keystore = await store.create(state);
  if (role === 'trusted') out.note(`this device may read: its read key lies in ${keystore ?? store.folder}`);
  return { state, keychain: unlocked.keychain, unlocked };
}

/** An embedded repository has one vault. */
export function requireVault(keychain: KeychainState): VaultId {
  const vaultId = onlyVault(keychain);
  if (vaultId !== undefined) return vaultId;
  throw new CommandError(`the repository has ${keychain.vaults.size} vaults, and this version works with one`, {
    code: 'vaults',
    exitCode: exitCodes.failed,
    hint: 'use a newer Keephold',
  });
}

export function signerOf(state: DeviceState): KeeperSigner {
  return { deviceId: state.deviceId, sign: (message) => sign(state.signingSeed, message) };
}
