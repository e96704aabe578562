/** Sessions of this device's chain: every step is durable in the device's file before its key is used. */
import { systemRandom } from '@keephold/crypto';
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

/** The next session; `state` tells the device's ids and keys, the chain itself comes from the file. */
export async function nextSession(
  context: Pick<Context, 'environment' | 'now'>,
  store: DeviceStore,
  { deviceId, grant }: DeviceState,
): Promise<Session> {
  for (;;) {
    const chain = store.load()?.chain;
    try {
      return await startSession({
        chain,
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
