/**
 * The end of a repository's history where its file has rotted. Nothing can be written after a commit whose hash nobody
 * tells: a machine that has seen it puts it back, others say what helps.
 */
import { type ChainPin, type Custody, type Head, isHashKnown, type VaultId } from '@keephold/protocol';
import type { Context } from '../context.ts';
import { CommandError, exitCodes } from '../errors.ts';
import type { DeviceStore } from './device-store.ts';
import { isNamedBy } from './newest-commit-file.ts';

export interface SeenEnd {
  readonly store: DeviceStore;
  readonly custody: Pick<Custody, 'putBackCommit'>;
  readonly vaultId: VaultId;
  /** The newest commit that this device has seen. */
  readonly pin: ChainPin | undefined;
}

/** Answers whether the file was written. */
export async function putBackNewest(
  { out }: Pick<Context, 'out'>,
  { store, custody, vaultId, pin }: SeenEnd,
): Promise<boolean> {
  const bytes = pin && store.newestCommit.load(pin);
  if (bytes === undefined) return false;
  const isBack = await custody.putBackCommit(vaultId, bytes);
  if (isBack) out.warn(`commit ${pin?.seq} was damaged or missing and is written back from this machine`);
  return isBack;
}

/** Keeps the commit of the pin where this machine does not have it yet, if the repository still does. */
export async function keepNewest(
  store: DeviceStore,
  pin: ChainPin,
  { custody, vaultId }: { readonly custody: Pick<Custody, 'commits'>; readonly vaultId: VaultId },
): Promise<void> {
  if (pin.seq === 0 || store.newestCommit.load(pin) !== undefined) return;
  for await (const { bytes } of custody.commits(vaultId, pin.seq - 1)) {
    if (isNamedBy(pin, bytes)) store.newestCommit.save(bytes);
    return;
  }
}

/** @throws CommandError where nothing can be written after the head. */
export function requireKnownHead({ seq, hash }: Head): void {
  if (isHashKnown(hash)) return;
  throw new CommandError(`commit ${seq}, the newest, cannot be read, so nothing can be written after it`, {
    code: 'end-unread',
    exitCode: exitCodes.damaged,
    hint: 'keephold backup on the machine that made it writes it back, and keephold heal --from takes it from another copy. Where there is neither, keephold repair --accept-history gives it up: the snapshot that it may have recorded is gone then',
  });
}
