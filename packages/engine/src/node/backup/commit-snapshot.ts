/**
 * Makes what was stored visible, in the order of format.md §7: (session object and packs are there) → index objects →
 * snapshot object → commit. Before the commit nothing is visible, after it everything is.
 */
import { OBJECT_TYPE, objectName, sealObject, sha256, snapshotKey } from '@keephold/crypto';
import {
  type BlobId,
  type Commit,
  type CommitBase,
  type Head,
  type ObjectName,
  type PackIdList,
  packsDigestInput,
  type RefsetDelta,
  refsetDigestInput,
  sortPackIds,
} from '@keephold/protocol';
import type { IndexedPack } from '../../index-object.ts';
import { encodeSnapshot, SnapshotStat } from '../../snapshot.ts';
import { commitOnHead } from '../commit-on-head.ts';
import { storeIndexObjects } from './index-objects.ts';
import type { BackupOptions, UnreadableEntry, WriterSession } from './options.ts';

/** More would make the snapshot object too large; the report has them all. */
const MAX_UNREADABLE = 10_000;

export interface SnapshotToCommit {
  readonly kind: 'complete' | 'checkpoint';
  readonly rootTree: Uint8Array;
  readonly start: bigint;
  /** Packs stored since the last commit. Their rows are freed once they stand in index objects. */
  readonly packs: readonly IndexedPack[];
  /** Digest of the whole refset, and how it differs from that of the parent. */
  readonly refsetDigest: Uint8Array;
  readonly refset: RefsetDelta;
  readonly unreadable: readonly UnreadableEntry[];
  /** Left out when the tree does not have all that was counted. */
  readonly stats?:
    | {
        readonly files: number;
        readonly directories: number;
        readonly other: number;
        readonly bytes: number;
      }
    | undefined;
}

export type CommittedSnapshot =
  | { readonly kind: 'committed'; readonly head: Head; readonly object: ObjectName; readonly objectBytes: number }
  | { readonly kind: 'missing-packs'; readonly packs: PackIdList };

type Where = Pick<
  BackupOptions,
  | 'custody'
  | 'keys'
  | 'sign'
  | 'keychain'
  | 'stream'
  | 'hostname'
  | 'clientVersion'
  | 'source'
  | 'tags'
  | 'now'
  | 'random'
>;

export async function commitSnapshot(
  where: Where,
  session: WriterSession,
  snapshot: SnapshotToCommit,
): Promise<CommittedSnapshot> {
  const indexes = await storeIndexObjects(where, snapshot.packs);
  const packsAdded = sortPackIds(snapshot.packs.map((pack) => pack.packId));
  let objectBytes = indexes.bytes;
  let object: ObjectName | undefined;
  const result = await commitOnHead(where, { vaultId: where.keys.vaultId, action: 'commit snapshot' }, async (base) => {
    const sealed = await sealSnapshot(where, session, snapshot, base.prevHash);
    object = objectName(sealed) as ObjectName;
    await where.custody.putObject(where.keys.vaultId, object, sealed);
    objectBytes += sealed.length;
    const commit = describeCommit(where, base, { session, snapshot, object, indexes: indexes.names, packsAdded });
    return { commit, packsAdded, refset: snapshot.refset };
  });
  if (result.kind === 'missing-packs') return result;
  await session.confirmed();
  return { kind: 'committed', head: result.head, object: object!, objectBytes };
}

interface CommitParts {
  readonly session: WriterSession;
  readonly snapshot: SnapshotToCommit;
  readonly object: ObjectName;
  readonly indexes: readonly ObjectName[];
  readonly packsAdded: PackIdList;
}

function describeCommit(where: Where, base: CommitBase, parts: CommitParts): Commit {
  const { snapshot, session } = parts;
  return {
    ...base,
    kind: snapshot.kind === 'complete' ? 'snapshot' : 'checkpoint',
    deviceId: where.keys.deviceId,
    streamId: where.stream,
    snapshotObject: parts.object,
    indexObjects: parts.indexes,
    sessionObjects: session.objectNames,
    packsDigest: sha256(...packsDigestInput(parts.packsAdded)),
    refsetDigest: snapshot.refsetDigest,
    parentSeq: snapshot.refset.parentSeq,
    superseded: [],
  };
}

export function digestRefset(packs: PackIdList): Uint8Array {
  return sha256(...refsetDigestInput(packs));
}

async function sealSnapshot(
  where: Where,
  session: WriterSession,
  snapshot: SnapshotToCommit,
  prevCommitHash: Uint8Array,
): Promise<Uint8Array> {
  const { stats } = snapshot;
  const payload = encodeSnapshot({
    vaultId: where.keys.vaultId,
    streamId: where.stream,
    deviceId: where.keys.deviceId,
    start: snapshot.start,
    end: where.now(),
    rootTree: snapshot.rootTree as BlobId,
    hostname: where.hostname,
    paths: where.source.roots.map((root) => (root.length === 0 ? new Uint8Array([0x2f]) : root)),
    stats: new Map(
      stats && [
        [SnapshotStat.files, stats.files],
        [SnapshotStat.directories, stats.directories],
        [SnapshotStat.otherEntries, stats.other],
        [SnapshotStat.bytes, stats.bytes],
      ],
    ),
    prevCommitHash,
    kind: snapshot.kind,
    clientVersion: where.clientVersion,
    unreadable: snapshot.unreadable.slice(0, MAX_UNREADABLE),
    tags: where.tags,
    sourceKind: 1,
  });
  return sealObject({
    type: OBJECT_TYPE.snapshot,
    random: where.random,
    contextId: session.sessionId,
    epoch: where.keys.epoch,
    key: snapshotKey(session.sessionKey, where.keys.vaultId),
    payload,
  });
}
