/** Sessions of this device's chain: every step is durable in the device's file before its key is used. */
import { equalBytes } from '@keephold/bytes';
import { sha256, systemRandom } from '@keephold/crypto';
import type { Custody, VaultId } from '@keephold/protocol';
import {
  type ChainState,
  confirmSessionObject,
  type DeviceState,
  type Session,
  startSession,
  withChain,
} from '@keephold/vault';
import type { Context } from '../context.ts';
import type { DeviceStore } from './device-store.ts';
import { machineId } from './machine-id.ts';

/** Another run of this device took the step first. */
class ChainMoved extends Error {}

/**
 * The next session; `state` tells the device's ids and keys, the chain itself comes from the file. A chain whose session
 * object the repository has lost is not gone on with: nobody could ever read what it seals.
 */
export async function nextSession(
  context: Pick<Context, 'environment' | 'now'>,
  store: DeviceStore,
  { state, custody }: { readonly state: DeviceState; readonly custody: Pick<Custody, 'getObjects'> },
): Promise<Session> {
  const { deviceId, grant } = state;
  for (;;) {
    const chain = store.load()?.chain;
    try {
      return await startSession({
        chain: chain !== undefined && (await isKept(custody, grant.vaultId, chain)) ? chain : undefined,
        vaultId: grant.vaultId,
        deviceId,
        epoch: grant.indexKeys.length - 1,
        readKeyPublic: grant.readKeyPublic,
        machineId: machineId(context.environment.hostname),
        now: context.now(),
        random: systemRandom,
        persist: async (next) => store.change((current) => advanced(current, chain, next)),
      });
    } catch (error) {
      if (!(error instanceof ChainMoved)) throw error;
    }
  }
}

async function isKept(
  custody: Pick<Custody, 'getObjects'>,
  vaultId: VaultId,
  { object, objectName: name }: ChainState,
): Promise<boolean> {
  if (object !== undefined) return true;
  const [stored] = await custody.getObjects(vaultId, [name]);
  return stored !== undefined && equalBytes(sha256(stored), name);
}

function advanced(current: DeviceState, from: ChainState | undefined, next: ChainState): DeviceState {
  const same = current.chain?.next === from?.next && sameChain(current.chain, from);
  if (!same) throw new ChainMoved('another run took this session');
  return withChain(current, next);
}

function sameChain(a: ChainState | undefined, b: ChainState | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return Buffer.compare(a.chainId, b.chainId) === 0;
}

/** A commit that names the session object was accepted: it need not be kept for another upload. */
export function confirmSession(store: DeviceStore, session: Session): void {
  if (session.object === undefined) return;
  store.change((state) => {
    const { chain } = state;
    const isIts = chain !== undefined && Buffer.compare(chain.objectName, session.objectName) === 0;
    return isIts ? withChain(state, confirmSessionObject(chain)) : state;
  });
}
