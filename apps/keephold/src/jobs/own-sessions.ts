/**
 * Session objects that this machine made and that no commit names any more which can be read. Here they are read all the
 * same; others may not believe an object that nothing signed names, so that the device has to name it again.
 */
import { toHex } from '@keephold/bytes';
import { nameSessionsAgain, unnamedSessions } from '@keephold/engine/node';
import { recordVerifier } from '@keephold/vault';
import { commitSignerOf } from '../access/commit-signer.ts';
import type { DeviceAccess } from '../access/open-device.ts';
import type { ReadAccess } from '../access/open-for-reading.ts';
import { SessionCopies } from '../access/session-copies.ts';
import type { Context } from '../context.ts';

/** Answers how many were named again. What the repository has lost of them was put back before. */
export async function nameOwnSessions(context: Pick<Context, 'now'>, access: DeviceAccess): Promise<number> {
  const { state, store, vaultId } = access;
  const sessionObjects = new SessionCopies(store.folder).names();
  if (sessionObjects.length === 0) return 0;
  const { deviceId } = state;
  const signer = commitSignerOf(context, access);
  return await nameSessionsAgain({ ...signer, vaultId, deviceId, sessionObjects, verifier: recordVerifier });
}

/** What is wrong with each. */
export function unnamedOwnSessions({ repository, ownSessions }: ReadAccess): readonly string[] {
  const unnamed = unnamedSessions(
    repository.log,
    ownSessions.map(({ name }) => name),
  );
  return unnamed.map(
    (name) =>
      `session object ${toHex(name)} is named by no commit that can be read: what was stored with it opens on this device only`,
  );
}
