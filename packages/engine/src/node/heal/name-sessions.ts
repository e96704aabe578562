/**
 * Names again session objects of this device that no commit names any more which can be read: readers take no others, so
 * that their packs open nowhere but on the device itself. What names them is a heal (format.md §7, type 3) of the
 * device's newest snapshot that adds no packs.
 */
import { toHex } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto';
import {
  type Custody,
  type DeviceId,
  EMPTY_PACK_ID_LIST,
  type KeychainState,
  type ObjectName,
  packsDigestInput,
  type RecordVerifier,
  type VaultId,
} from '@keephold/protocol';
import { EngineError } from '../../errors.ts';
import { CommitLog, emptyCommitLog } from '../../reading/commit-log.ts';
import { syncCommitLog } from '../../reading/read-commits.ts';
import { type CommitSigner, commitOnHead } from '../commit-on-head.ts';

export interface NameSessionsOptions extends CommitSigner {
  readonly custody: Custody;
  readonly vaultId: VaultId;
  readonly deviceId: DeviceId;
  /** Made by this device, and there. */
  readonly sessionObjects: readonly ObjectName[];
  /** Never behind what the head of the vault stands on. */
  readonly keychain: () => KeychainState;
  readonly verifier: RecordVerifier;
}

/** Answers how many were named again. Reads the whole history. */
export async function nameSessionsAgain(options: NameSessionsOptions): Promise<number> {
  const { custody, vaultId, deviceId, sessionObjects } = options;
  await custody.head(vaultId);
  const keychain = options.keychain();
  const log = new CommitLog(emptyCommitLog(keychain, vaultId));
  await syncCommitLog(log, { ...options, keychain, onDamage: () => undefined });
  const unnamed = unnamedSessions(log, sessionObjects);
  const newest = log.snapshots.findLast((entry) => toHex(entry.deviceId) === toHex(deviceId));
  // Without a snapshot of this device nothing needs what it stored.
  if (unnamed.length === 0 || newest === undefined) return 0;
  const { seq: parentSeq, refset } = newest;
  const packsDigest = sha256(...packsDigestInput(EMPTY_PACK_ID_LIST));
  const objects = { indexObjects: [], sessionObjects: unnamed, superseded: [] };
  const result = await commitOnHead(options, { vaultId, action: 'name session objects again' }, (base) => ({
    commit: { ...base, ...objects, kind: 'heal', deviceId, packsDigest, refsetDigest: refset.digest, parentSeq },
    packsAdded: EMPTY_PACK_ID_LIST,
    refset: { parentSeq: refset.seq, added: EMPTY_PACK_ID_LIST, removed: EMPTY_PACK_ID_LIST },
  }));
  if (result.kind === 'missing-packs')
    throw new EngineError('missing', 'name session objects again: packs of the newest snapshot are missing');
  return unnamed.length;
}

/**
 * Of the session objects that a device made, those that no readable commit names though one may have done so; none while
 * every commit can be read.
 */
export function unnamedSessions(
  log: Pick<CommitLog, 'isWhole' | 'sessions'>,
  own: readonly ObjectName[],
): readonly ObjectName[] {
  if (log.isWhole) return [];
  const named = new Set(log.sessions.map(({ name }) => toHex(name)));
  return own.filter((name) => !named.has(toHex(name)));
}
