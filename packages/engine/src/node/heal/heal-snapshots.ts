/**
 * Adds to snapshots of this device the packs that hold again what lost packs of theirs held (format.md §7, type 3): from
 * then on those packs are kept as long as the snapshots are. Nothing is ever taken away from a snapshot. Needs no read
 * key.
 */
import { toHex } from '@keephold/bytes';
import { type IndexKey, sha256 } from '@keephold/crypto';
import {
  type Commit,
  type Custody,
  commitSigningInput,
  type DeviceId,
  encodeCommit,
  intersectPackIds,
  joinSigned,
  type KeychainState,
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
import { Replacements } from './replacements.ts';

const MAX_ATTEMPTS = 100;
const NOTHING: PackIdList = new Uint8Array(0);

export interface HealSnapshotsOptions {
  readonly custody: Custody;
  readonly vaultId: VaultId;
  readonly deviceId: DeviceId;
  readonly indexKeys: ReadonlyMap<number, IndexKey>;
  /** As of now: never behind what the head of the vault stands on. Asked after each look at the head. */
  readonly keychain: () => KeychainState;
  readonly verifier: RecordVerifier;
  /** Ed25519 by the device key. */
  readonly sign: (message: Uint8Array) => Uint8Array;
  /** Unix nanoseconds. */
  readonly now: () => bigint;
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
  const { custody, vaultId, sign } = options;
  const refsetDigest = sha256(...refsetDigestInput(unionPackIds(refset, added)));
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const head = await custody.head(vaultId);
    const keychain = options.keychain();
    const commit: Commit = {
      kind: 'heal',
      vaultId,
      seq: head.seq + 1,
      prevHash: head.hash,
      deviceId: options.deviceId,
      keychainSeq: keychain.seq,
      keychainHash: keychain.hash,
      clientTime: options.now(),
      indexObjects: [],
      sessionObjects: [],
      packsDigest: sha256(...packsDigestInput(NOTHING)),
      refsetDigest,
      parentSeq: snapshot.seq,
      superseded: [],
    };
    const body = encodeCommit(commit);
    const bytes = joinSigned(body, sign(commitSigningInput(body)));
    const delta = { parentSeq: snapshot.refset.seq, added, removed: NOTHING };
    const outcome = await custody.commit(vaultId, { bytes, packsAdded: NOTHING, refset: delta });
    if (outcome.kind === 'accepted') return;
    if (outcome.kind === 'missing-packs') throw new EngineError('missing', 'heal: packs went while they were added');
  }
  throw new EngineError('no-progress', `heal: other writers were first ${MAX_ATTEMPTS} times`);
}
