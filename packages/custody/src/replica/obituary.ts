/** What the chain of a vault says has died, and of what else it says that nobody needs it since. */
import { toHex } from '@keephold/bytes';
import { type Commit, type DeviceId, type PackIdList, packIdAt, packIdCount, parseCommit } from '@keephold/protocol';
import { ChainStore, unlessDamaged } from '../chain/chain-store.ts';
import { objectsOf } from '../ledger/apply-commit.ts';
import type { CommitRow, ObjectRole } from '../ledger/vault-ledger.ts';
import type { Sites } from './sites.ts';

export interface Obituary {
  /** Hex of packs that were purged. */
  readonly packs: ReadonlySet<string>;
  /** Snapshots that were purged. */
  readonly snapshots: ReadonlySet<number>;
  /** By the hex of an object: who named it. */
  readonly naming: ReadonlyMap<string, readonly Naming[]>;
  /** `OBJECT DEVICE` in hex: the device has superseded it. */
  readonly superseded: ReadonlySet<string>;
}

interface Naming {
  readonly role: ObjectRole;
  readonly seq: number;
  readonly deviceId: DeviceId;
  /** What the keeper's record of the commit lists; undefined when it cannot be read. */
  readonly packs: PackIdList | undefined;
}

/** From the second site's own chain. What happened at or after `before`, unix milliseconds, counts as not yet so. */
export async function readObituary(
  { to, vault, signal }: Sites,
  rows: readonly CommitRow[],
  before: number,
): Promise<Obituary> {
  const chain = new ChainStore(to, vault);
  const [packs, snapshots, superseded] = [new Set<string>(), new Set<number>(), new Set<string>()];
  const naming = new Map<string, Naming[]>();
  for (const { seq, hash, receivedAt } of rows) {
    signal.throwIfAborted();
    const commit = await readCommit(chain, seq);
    if (commit === undefined) continue;
    const isLongAgo = receivedAt < before;
    if (commit.kind === 'keeper-event') {
      if (commit.event !== 'purged' || !isLongAgo) continue;
      for (const snapshot of commit.snapshots) snapshots.add(snapshot);
      for (let i = 0; i < packIdCount(commit.packs); i++) packs.add(toHex(packIdAt(commit.packs, i)));
      continue;
    }
    const { deviceId } = commit;
    if (isLongAgo) for (const name of commit.superseded) superseded.add(`${toHex(name)} ${toHex(deviceId)}`);
    const objects = objectsOf(commit);
    const record = objects.length === 0 ? undefined : await unlessDamaged(chain.readRecord(seq, hash));
    for (const { name, role } of objects) {
      const list = naming.get(toHex(name)) ?? [];
      naming.set(toHex(name), [...list, { role, seq, deviceId, packs: record?.packs }]);
    }
  }
  return { packs, snapshots, naming, superseded };
}

async function readCommit(chain: ChainStore, seq: number): Promise<Commit | undefined> {
  const bytes = await chain.read(seq);
  return bytes === undefined ? undefined : parseCommit(bytes).commit;
}

/** Whether all who named an object are done with it. `isThere`: whether a pack, by its hex, stays. */
export function isDead(obituary: Obituary, hex: string, isThere: (pack: string) => boolean): boolean {
  const namings = obituary.naming.get(hex) ?? [];
  // What nothing signed speaks of stays: nobody can say what it is for.
  return namings.length > 0 && namings.every((naming) => isOver(obituary, hex, naming, isThere));
}

function isOver(
  { snapshots, superseded }: Obituary,
  hex: string,
  { role, seq, deviceId, packs }: Naming,
  isThere: (pack: string) => boolean,
): boolean {
  if (role === 'session') return false;
  if (role === 'snapshot') return snapshots.has(seq);
  if (superseded.has(`${hex} ${toHex(deviceId)}`)) return true;
  if (packs === undefined) return false;
  return Array.from({ length: packIdCount(packs) }, (_, index) => toHex(packIdAt(packs, index))).every(
    (pack) => !isThere(pack),
  );
}
