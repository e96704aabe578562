/**
 * Writes an accepted commit into the ledger. The one way in: committing and replaying both come through here, so a
 * rebuilt ledger says what the old one said.
 */
import {
  type Commit,
  EMPTY_PACK_ID_LIST,
  type KeeperEventCommit,
  type ObjectName,
  type PackIdList,
  packIdAt,
  packIdCount,
} from '@keephold/protocol';
import { afterCommit, afterPurge, DAY } from '../pack-state.ts';
import { afterEvent } from '../snapshot-state.ts';
import type { CommitRow, ObjectRole } from './vault-ledger.ts';
import { type VaultTransaction, vaultRow } from './vault-transaction.ts';

export interface AcceptedCommit {
  readonly commit: Commit;
  readonly hash: Uint8Array;
  readonly receivedAt: number;
  /** Packs to be made live: at least those of the refset that are not known to be. */
  readonly toLive: PackIdList;
  /** Bytes of an object; undefined when it is not there (it was purged since, in a replay). */
  readonly sizeOf: (name: ObjectName) => Promise<number | undefined>;
}

export async function applyCommit(transaction: VaultTransaction, accepted: AcceptedCommit): Promise<void> {
  const { commit, hash, receivedAt } = accepted;
  const { ledger } = transaction;
  await ledger.addCommit(rowOf(accepted));
  if (commit.kind === 'keeper-event') await applyEvent(transaction, commit, receivedAt);
  else await nameObjects(transaction, accepted, commit);
  for (let i = 0; i < packIdCount(accepted.toLive); i++) {
    const id = packIdAt(accepted.toLive, i);
    await transaction.packs.set(id, afterCommit(await transaction.packs.get(id)));
  }
  const { time } = await vaultRow(transaction);
  const now = Math.max(time, receivedAt);
  await ledger.saveVault({ headSeq: commit.seq, headHash: hash, time: now, keychainSeq: commit.keychainSeq });
  await ledger.use(receivedAt, DAY);
}

function rowOf({ commit, hash, receivedAt }: AcceptedCommit): CommitRow {
  const isSnapshot = commit.kind === 'snapshot' || commit.kind === 'checkpoint';
  const hasRefset = isSnapshot || commit.kind === 'heal';
  return {
    seq: commit.seq,
    hash,
    kind: commit.kind,
    deviceId: commit.deviceId,
    streamId: isSnapshot ? commit.streamId : undefined,
    object: isSnapshot ? commit.snapshotObject : undefined,
    receivedAt,
    parentSeq: hasRefset ? (commit.parentSeq ?? 0) : 0,
    refsetDigest: hasRefset ? commit.refsetDigest : undefined,
    state: isSnapshot ? 'active' : 'none',
    trashedAt: 0,
  };
}

async function nameObjects(
  { ledger }: VaultTransaction,
  { receivedAt, sizeOf }: AcceptedCommit,
  commit: Exclude<Commit, KeeperEventCommit>,
): Promise<void> {
  for (const { name, role } of objectsOf(commit)) {
    const size = await sizeOf(name);
    if (size === undefined) continue;
    await ledger.nameObject({ name, deviceId: commit.deviceId, seq: commit.seq, role, size, supersededAt: 0 });
  }
  const by = { deviceId: commit.deviceId, at: receivedAt };
  for (const name of commit.superseded) await ledger.supersede(name, by);
}

/** Everything a commit names and needs. */
export function objectsOf(
  commit: Exclude<Commit, KeeperEventCommit>,
): readonly { readonly name: ObjectName; readonly role: ObjectRole }[] {
  const objects = commit.indexObjects.map((name) => ({ name, role: 'index' as ObjectRole }));
  if (commit.kind === 'index-maintenance') return objects;
  for (const name of commit.sessionObjects) objects.push({ name, role: 'session' });
  if (commit.kind !== 'heal') objects.push({ name: commit.snapshotObject, role: 'snapshot' });
  return objects;
}

async function applyEvent(
  { ledger, packs }: VaultTransaction,
  { event, snapshots, packs: ids }: KeeperEventCommit,
  at: number,
): Promise<void> {
  const { state, trashedAt } = afterEvent(event, at);
  for (const seq of snapshots) await ledger.setState(seq, state, trashedAt);
  if (event !== 'purged') return;
  for (let i = 0; i < packIdCount(ids); i++) {
    const id = packIdAt(ids, i);
    await packs.set(id, afterPurge(await packs.get(id)));
  }
}

export const NO_PACKS: PackIdList = EMPTY_PACK_ID_LIST;
