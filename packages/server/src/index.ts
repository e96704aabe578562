/** The Custody seam over HTTP. What it keeps it cannot read. */
export type { Authenticated, Authority, Principal, SignedRequest } from './authority.ts';
export { ServerError } from './errors.ts';
export { type CollectionOutcome, startCollector } from './jobs/collector.ts';
export { queueingKeeper } from './jobs/queueing-keeper.ts';
export { type ReplicationOutcome, startReplicator } from './jobs/replicator.ts';
export { type ScrubOutcome, startScrubber } from './jobs/scrubber.ts';
export type { VaultWorker } from './jobs/vault-worker.ts';
export type { AccountKeeper } from './keeper.ts';
export { measuringKeeper } from './metrics/measuring-keeper.ts';
export { Metrics } from './metrics/metrics.ts';
export { type MetricsServer, serveMetrics } from './metrics/serve-metrics.ts';
export { OpenAccounts } from './open-accounts.ts';
export { quotaKeeper } from './quota/quota-keeper.ts';
export { type LogLevel, type Patience, type RunningServer, type ServerOptions, startServer } from './server.ts';
export { KeychainAuthority, type KeychainAuthorityOptions } from './sessions/keychain-authority.ts';
export type { Certificate } from './tls.ts';
