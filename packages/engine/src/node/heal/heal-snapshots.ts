/**
 * Adds to snapshots of this device the packs that hold again what lost packs of theirs held (format.md §7, type 3): from
 * then on those packs are kept as long as the snapshots are. Nothing is ever taken away from a snapshot. Needs no read
 * key.
 */
import { toHex } from '@keephold/bytes';
import { type IndexKey, sha256 } from '@keephold/crypto';
import {
  type Custody,
  type DeviceId,
  intersectPackIds,
  type KeychainState,
  type ObjectName,
  type PackIdList,
  packIdAt,
  packIdCount,
  packsDigestInput,
  type RecordVerifier,
  refsetDigestInput,
  subtractPackIds,
  unionPackIds,
  type VaultId,
} from '@keephold/protocol';
import { EngineError } from '../../errors.ts';
import { CommitLog, emptyCommitLog, type SnapshotEntry } from '../../reading/commit-log.ts';
import { syncCommitLog } from '../../reading/read-commits.ts';
import { readRefset } from '../../reading/refset-reader.ts';
import { type CommitSigner, commitOnHead } from '../commit-on-head.ts';
import { Replacements } from './replacements.ts';

const NOTHING: PackIdList = new Uint8Array(0);

export interface HealSnapshotsOptions extends CommitSigner {
  readonly custody: Custody;
  readonly vaultId: VaultId;
  readonly deviceId: DeviceId;
  readonly indexKeys: ReadonlyMap<number, IndexKey>;
  /** Those of this device's chain that are there: packs which snapshots get may need them. */
  readonly sessionObjects: () => Promise<readonly ObjectName[]>;
  /** Never behind what the head of the vault stands on. */
  readonly keychain: () => KeychainState;
  readonly verifier: RecordVerifier;
  readonly signal: AbortSignal;
}

export interface HealReport {
  /** Numbers of the snapshots that got packs. */
  readonly healed: readonly number[];
  /** Snapshots of this device that lost packs of which not every blob stands elsewhere. */
  readonly incomplete: readonly number[];
}

/** Costs a look at the keeper's list when nothing is lost. */
export async function healSnapshots(options: HealSnapshotsOptions): Promise<HealReport> {
  const { custody, vaultId, deviceId } = options;
  const lost = await custody.lostPacks(vaultId);
  const report = { healed: [] as number[], incomplete: [] as number[] };
  if (lost.length === 0) return report;
  await custody.head(vaultId);
  const keychain = options.keychain();
  const log = new CommitLog(emptyCommitLog(keychain, vaultId));
  await syncCommitLog(log, { ...options, keychain, onDamage: () => undefined });
  const referable = await custody.referablePacks(vaultId);
  const replacements = await Replacements.find({ ...options, log, lost, referable });
  for (const snapshot of log.snapshots.filter((entry) => toHex(entry.deviceId) === toHex(deviceId))) {
    options.signal.throwIfAborted();
    const refset = await refsetOrDamaged(custody, vaultId, snapshot);
    const own = refset === undefined ? NOTHING : intersectPackIds(lost, refset);
    if (refset === undefined || own.length === 0) continue;
    const { packs, missing } = replacements.of(idsOf(own));
    if (missing > 0) report.incomplete.push(snapshot.seq);
    const added = subtractPackIds(packs, refset);
    if (added.length === 0) continue;
    await commitHeal(options, snapshot, { refset, added });
    report.healed.push(snapshot.seq);
  }
  return report;
}

async function refsetOrDamaged(
  custody: Custody,
  vaultId: VaultId,
  { refset }: SnapshotEntry,
): Promise<PackIdList | undefined> {
  try {
    return await readRefset(custody, vaultId, refset);
  } catch (error) {
    if (error instanceof EngineError && error.code === 'damaged') return undefined;
    throw error;
  }
}

function idsOf(packs: PackIdList): readonly Uint8Array[] {
  return Array.from({ length: packIdCount(packs) }, (_, index) => packIdAt(packs, index));
}

async function commitHeal(
  options: HealSnapshotsOptions,
  snapshot: SnapshotEntry,
  { refset, added }: { readonly refset: PackIdList; readonly added: PackIdList },
): Promise<void> {
  const { vaultId, deviceId } = options;
  const sessionObjects = await options.sessionObjects();
  const refsetDigest = sha256(...refsetDigestInput(unionPackIds(refset, added)));
  const packsDigest = sha256(...packsDigestInput(NOTHING));
  const objects = { indexObjects: [], sessionObjects, superseded: [] };
  const result = await commitOnHead(options, { vaultId, action: 'heal' }, (base) => ({
    commit: { ...base, ...objects, kind: 'heal', deviceId, packsDigest, refsetDigest, parentSeq: snapshot.seq },
    packsAdded: NOTHING,
    refset: { parentSeq: snapshot.refset.seq, added, removed: NOTHING },
  }));
  if (result.kind === 'missing-packs') throw new EngineError('missing', 'heal: packs went while they were added');
}
