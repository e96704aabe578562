/**
 * The owner's word that a repository is the right one although it is older than what this device has seen, or another
 * history: what was pinned is replaced by what the repository shows. Only after the password, and only for a history
 * that is whole and signed in itself.
 */

import { equalBytes } from '@keephold/bytes';
import { setAsideUnreadTail } from '@keephold/custody';
import { FollowedChain } from '@keephold/engine';
import {
  type ChainPin,
  type Custody,
  deviceKeyAt,
  ForkError,
  genesisHashOf,
  type RetentionChange,
} from '@keephold/protocol';
import { recordVerifier, requestDeletion, type Unlocked, withAcceptedPins } from '@keephold/vault';
import type { Context } from '../context.ts';
import { CommandError, exitCodes } from '../errors.ts';
import { DeviceStore } from './device-store.ts';
import { HistoryFile } from './history-file.ts';
import { putBackNewest } from './newest-commit.ts';
import { openAsDevice, requireVault } from './open-device.ts';
import { repositoryFolder } from './repository-folder.ts';
import { requireOwner } from './unlock.ts';

export interface AcceptedHistory {
  /** Numbers of the newest commit: as this device had seen it, and as it is from now on. */
  readonly seen: number;
  readonly accepted: number;
  /** Commits at the end that could not be read and are given up: the next ones take their place. */
  readonly givenUp: readonly number[];
  /** The same with others after them: gone as forgotten snapshots are, and until when a copy can bring them back. */
  readonly forgotten: readonly RetentionChange[];
}

/** @throws ForkError for another account, ChainError for a history that is not signed. */
export async function acceptHistory(context: Context, custody: Custody): Promise<AcceptedHistory> {
  const unlocked = await requireOwner(context, custody, 'accepting another history needs the password');
  const vaultId = requireVault(unlocked.keychain);
  const { keychain } = unlocked;
  const store = new DeviceStore(context.environment, unlocked.accountId);
  const device = store.load();
  await putBackNewest(context, { store, custody, vaultId, pin: device?.grant.headPin });
  const chain = new FollowedChain({ custody, vaultId, keychain, verifier: recordVerifier, pin: undefined });
  await chain.head();
  const { pin } = chain;
  const { unread } = chain;
  // The ledger is made again on the way, for it may still know what commits said that nobody can read.
  const givenUp = chain.isEndUnread || unread.length > 0 ? await setAsideUnreadTail(repositoryFolder(context)) : [];
  const history = new HistoryFile(context.environment, unlocked.accountId);
  const seen = Math.max(device?.grant.headPin?.seq ?? 0, history.load(vaultId)?.seq ?? 0);
  movePins(store, unlocked, pin);
  history.forget();
  const forgotten = await giveUpUnread(context, unlocked, unread);
  return { seen, accepted: pin.seq, givenUp, forgotten };
}

/**
 * Commits with others after them go the way of snapshots that are forgotten. The owner signs for it last: from then on
 * readers say no more of them, and after a crash before that this is done again.
 */
async function giveUpUnread(
  context: Context,
  owner: Unlocked,
  unread: readonly number[],
): Promise<readonly RetentionChange[]> {
  if (unread.length === 0) return [];
  await using access = await openAsDevice(context);
  const { custody, vaultId } = access;
  const changes = await custody.trash(vaultId, unread);
  await requestDeletion(access.unlocked ?? owner, unread, { custody, vaultId, now: context.now() });
  return changes;
}

function movePins(store: DeviceStore, { keychain }: Unlocked, head: ChainPin): void {
  const state = store.load();
  if (state === undefined) return;
  const { deviceId, grant } = state;
  if (!equalBytes(genesisHashOf(keychain), grant.genesisHash)) {
    throw new ForkError('accept history: the repository is of another account with the same id');
  }
  if (deviceKeyAt(keychain, { deviceId, vaultId: grant.vaultId, keychainSeq: keychain.seq }) === undefined) {
    throw new CommandError('the repository is from before this device was added to it', {
      code: 'device-unknown',
      exitCode: exitCodes.failed,
      hint: `move ${store.folder} away: the next keephold backup adds this device anew`,
    });
  }
  store.change((kept) => withAcceptedPins(kept, { keychain: { seq: keychain.seq, hash: keychain.hash }, head }));
}
