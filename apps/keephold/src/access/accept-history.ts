/**
 * The owner's word that a repository is the right one although it is older than what this device has seen, or another
 * history: what was pinned is replaced by what the repository shows. Only after the password, and only for a history
 * that is whole and signed in itself.
 */

import { equalBytes } from '@keephold/bytes';
import { setAsideUnreadTail } from '@keephold/custody';
import { FollowedChain } from '@keephold/engine';
import { type ChainPin, type Custody, deviceKeyAt, ForkError, genesisHashOf } from '@keephold/protocol';
import { recordVerifier, type Unlocked, withAcceptedPins } from '@keephold/vault';
import type { Context } from '../context.ts';
import { CommandError, exitCodes } from '../errors.ts';
import { DeviceStore } from './device-store.ts';
import { HistoryFile } from './history-file.ts';
import { putBackNewest } from './newest-commit.ts';
import { requireVault } from './open-device.ts';
import { repositoryFolder } from './repository-folder.ts';
import { requireOwner } from './unlock.ts';

export interface AcceptedHistory {
  /** Numbers of the newest commit: as this device had seen it, and as it is from now on. */
  readonly seen: number;
  readonly accepted: number;
  /** Commits that could not be read and are given up: the next ones take their place. */
  readonly givenUp: readonly number[];
}

/** @throws ForkError for another account, ChainError for a history that is not signed. */
export async function acceptHistory(context: Context, custody: Custody): Promise<AcceptedHistory> {
  const unlocked = await requireOwner(context, custody, 'accepting another history needs the password');
  const vaultId = requireVault(unlocked.keychain);
  const { keychain } = unlocked;
  const store = new DeviceStore(context.environment, unlocked.accountId);
  const device = store.load();
  await putBackNewest(context, { store, keychain, pin: device?.grant.headPin });
  const chain = new FollowedChain({ custody, vaultId, keychain, verifier: recordVerifier, pin: undefined });
  await chain.head();
  const { pin } = chain;
  const givenUp = chain.isEndUnread ? await setAsideUnreadTail(repositoryFolder(context)) : [];
  const history = new HistoryFile(context.environment, unlocked.accountId);
  const seen = Math.max(device?.grant.headPin?.seq ?? 0, history.load(vaultId)?.seq ?? 0);
  movePins(store, unlocked, pin);
  history.forget();
  return { seen, accepted: pin.seq, givenUp };
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
