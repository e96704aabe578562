/** Sessions of this device's chain: every step is durable in the device's file before its key is used. */
import { systemRandom } from '@keephold/crypto';
import type { Custody, ObjectName } from '@keephold/protocol';
import {
  type ChainState,
  confirmSessionObjects,
  type DeviceState,
  type Session,
  startSession,
  withChain,
} from '@keephold/vault';
import type { Context } from '../context.ts';
import type { DeviceStore } from './device-store.ts';
import { machineId } from './machine-id.ts';
import { isNamed, mendSessionObject, SessionCopies, type SessionPlace } from './session-copies.ts';

/** Another run of this device took the step first. */
class ChainMoved extends Error {}

/**
 * The next session; `state` tells the device's ids and keys, the chain itself comes from the file. Session objects that
 * the repository has lost are put back from this machine's copies. A chain that has none is not gone on with: nobody
 * could ever read what it seals.
 */
export async function nextSession(
  context: Pick<Context, 'environment' | 'now'>,
  store: DeviceStore,
  { state, custody }: { readonly state: DeviceState; readonly custody: Pick<Custody, 'getObjects' | 'putObject'> },
): Promise<Session> {
  const { deviceId, grant } = state;
  const copies = new SessionCopies(store.folder);
  for (;;) {
    const chain = store.load()?.chain;
    try {
      const session = await startSession({
        chain: chain && (await keptChain({ custody, copies, vaultId: grant.vaultId }, chain)),
        vaultId: grant.vaultId,
        deviceId,
        epoch: grant.indexKeys.length - 1,
        readKeyPublic: grant.readKeyPublic,
        machineId: machineId(context.environment.hostname),
        now: context.now(),
        random: systemRandom,
        persist: async (next) => store.change((current) => advanced(current, chain, next)),
      });
      for (const [i, object] of (session.objects ?? []).entries()) copies.keep(session.objectNames[i]!, object);
      return session;
    } catch (error) {
      if (!(error instanceof ChainMoved)) throw error;
    }
  }
}

/** The chain with those of its session objects, and of the chain before, that are there; undefined when none of its own is. */
async function keptChain(place: SessionPlace, chain: ChainState): Promise<ChainState | undefined> {
  const own = chain.objects === undefined ? chain.objectNames : [];
  const kept = await keptObjects(place, [...own, ...chain.earlierNames]);
  // A commit that names what is not there is refused.
  const earlierNames = chain.earlierNames.filter((name) => kept.has(name));
  if (chain.objects !== undefined) return { ...chain, earlierNames };
  const objectNames = own.filter((name) => kept.has(name));
  return objectNames.length === 0 ? undefined : { ...chain, objectNames, earlierNames };
}

/** Those of the objects that the repository has whole, put back where it had not. */
async function keptObjects(place: SessionPlace, names: readonly ObjectName[]): Promise<ReadonlySet<ObjectName>> {
  const kept = new Set<ObjectName>();
  if (names.length === 0) return kept;
  const stored = await place.custody.getObjects(place.vaultId, names);
  for (const [i, name] of names.entries()) {
    const object = stored[i];
    const isStored = isNamed(object, name);
    if (isStored) place.copies.keep(name, object);
    if (isStored || (await mendSessionObject(place, name))) kept.add(name);
  }
  return kept;
}

/** Those of the device's chain that are there and that commits have named. */
export async function storedSessionObjects(
  store: DeviceStore,
  place: Omit<SessionPlace, 'copies'>,
): Promise<readonly ObjectName[]> {
  const chain = store.load()?.chain;
  if (chain === undefined) return [];
  const names = [...(chain.objects === undefined ? chain.objectNames : []), ...chain.earlierNames];
  const kept = await keptObjects({ ...place, copies: new SessionCopies(store.folder) }, names);
  return names.filter((name) => kept.has(name));
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

/** A commit that names the session objects was accepted: they need not be kept for another upload. */
export function confirmSession(store: DeviceStore, session: Session): void {
  if (session.objects === undefined) return;
  store.change((state) => {
    const { chain } = state;
    const isIts = chain !== undefined && Buffer.compare(chain.objectNames[0]!, session.objectNames[0]!) === 0;
    return isIts ? withChain(state, confirmSessionObjects(chain)) : state;
  });
}
