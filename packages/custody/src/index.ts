/** Repositories: the Custody seam over files, in folders or buckets, and a ledger that can be rebuilt from them. */
export type { KeychainCopy } from './account/keychain-copy.ts';
export type { KeeperClock } from './clock.ts';
export { type HealFolderReport, healRepositoryFolder, type SeenHistory } from './heal/heal-folder.ts';
export { mendKeychain, missingKeychainEnd, type SeenAccount } from './heal/mend-keychain.ts';
export { type RepairOptions, type RepairReport, repairRepositoryFolder } from './heal/repair-folder.ts';
export { setAsideUnreadTail } from './heal/unread-tail.ts';
export { type KeeperOptions, openKeeper } from './keeper/open-keeper.ts';
export type { RepositoryKeeper } from './keeper/repository-keeper.ts';
export { type VaultJob, VaultQueue, type Waiting } from './keeper/vault-queue.ts';
export type { KeeperSigner } from './keeper-signer.ts';
export { Turns } from './ledger/turns.ts';
export { runParityWorker } from './parity/parity-coder.ts';
export { markReplica, type ReplicaAccount, replicaAccounts, replicaOf } from './replica/replica-root.ts';
export type { GenesisRecords } from './repository.ts';
export { openRepositoryBucket } from './repository-bucket.ts';
export { createRepositoryFolder, type OpenOptions, openRepositoryFolder } from './repository-folder.ts';
export type { FolderCollectOptions, FolderPurgeReport } from './retention/collect.ts';
export {
  type KeepCandidate,
  type KeepDecision,
  type KeepReason,
  type KeepRule,
  keepFirst,
} from './retention/keep-first.ts';
export { DamageList } from './scrub/damage-list.ts';
export type {
  DamagedItem,
  KeptCustody,
  ReplicateOptions,
  ReplicationReport,
  ScrubOptions,
  ScrubReport,
} from './upkeep.ts';
