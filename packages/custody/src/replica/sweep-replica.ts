/**
 * Deletes at the second site what was purged here long ago. What may go only the signed chain says, as it was copied:
 * nothing goes there because it is missing here, or because a ledger has forgotten it.
 */
import { fromHex, toHex } from '@keephold/bytes';
import { CustodyError, type ObjectName, type PackId } from '@keephold/protocol';
import type { KeeperClock } from '../clock.ts';
import { objectName, packName } from '../layout.ts';
import type { CommitRow } from '../ledger/vault-ledger.ts';
import { ledgerTime } from '../ledger/vault-transaction.ts';
import { DAY } from '../pack-state.ts';
import { isPausedByClock } from '../retention/clock-pause.ts';
import { isDead, readObituary } from './obituary.ts';
import type { ReplicaContents } from './replica-contents.ts';
import type { Sites } from './sites.ts';

/** Long enough for the owner of a server to notice what should not have been purged. */
const DELAY = 30 * DAY;
const DELETES_AT_ONCE = 16;

/** Answers how many packs and objects went. */
export async function sweepReplica(sites: Sites, contents: ReplicaContents, clock: KeeperClock): Promise<number> {
  const known = await knownHere(sites, clock);
  if (known === undefined) return 0;
  const packs = [...contents.packs].filter((hex) => !known.packs.has(hex));
  const objects = [...contents.objects].filter((hex) => !known.objects.has(hex));
  if (packs.length + objects.length === 0) return 0;
  const obituary = await readObituary(sites, known.rows, known.before);
  const goingPacks = new Set(packs.filter((hex) => obituary.packs.has(hex)));
  const isThere = (hex: string): boolean => contents.packs.has(hex) && !goingPacks.has(hex);
  const goingObjects = objects.filter((hex) => isDead(obituary, hex, isThere));
  const { vault } = sites;
  // The reverse of the order in which they came.
  await deleteAll(
    sites,
    goingObjects.map((hex) => objectName(vault, fromHex(hex) as Uint8Array as ObjectName)),
  );
  await deleteAll(
    sites,
    [...goingPacks].map((hex) => packName(vault, fromHex(hex) as Uint8Array as PackId)),
  );
  return goingObjects.length + goingPacks.size;
}

interface Known {
  /** What was purged before this time may go, unix milliseconds. */
  readonly before: number;
  readonly rows: readonly CommitRow[];
  /** Hex of what the ledger here still has, in whatever state. */
  readonly packs: ReadonlySet<string>;
  readonly objects: ReadonlySet<string>;
}

/** Undefined: the clock has jumped, and no delay can be told from it. */
async function knownHere({ ledger, vault }: Sites, clock: KeeperClock): Promise<Known | undefined> {
  return await ledger.read(vault, async (transaction) => {
    const now = await ledgerTime(clock, transaction);
    if (isPausedByClock(await transaction.ledger.uses(), now)) return undefined;
    const packs = new Set<string>();
    for (const shard of await transaction.packs.all()) for (const [id] of shard.entries()) packs.add(toHex(id));
    const objects = new Set((await transaction.ledger.objectNames()).map(toHex));
    return { before: now - DELAY, rows: await transaction.ledger.commits(), packs, objects };
  });
}

/** @throws CustodyError 'unavailable' when one of them is here after all: then the ledger is not what it should be. */
async function deleteAll({ from, to, signal }: Sites, names: readonly string[]): Promise<void> {
  for (let at = 0; at < names.length; at += DELETES_AT_ONCE) {
    signal.throwIfAborted();
    await Promise.all(
      names.slice(at, at + DELETES_AT_ONCE).map(async (name) => {
        if ((await from.stat(name)) === undefined) return await to.delete(name);
        throw new CustodyError('unavailable', `sweep second site: ${name} was purged, and is here`);
      }),
    );
  }
}
