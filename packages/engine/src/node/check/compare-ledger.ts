/** Whether the keeper's ledger says of snapshots what their signed commits say. */
import type { SnapshotRecord } from '@keephold/protocol';
import type { CommitLog } from '../../reading/commit-log.ts';
import type { Findings } from './findings.ts';

/** The keeper's ledger is a cache of the signed commits: where they differ it would expire or keep the wrong packs. */
export function compareLedger(log: CommitLog, records: readonly SnapshotRecord[], findings: Findings): void {
  const bySeq = new Map(records.map((record) => [record.seq, record]));
  for (const { seq, state } of log.snapshots) {
    const record = bySeq.get(seq);
    if (record === undefined || record.state !== state) {
      findings.add(
        'ledger',
        `the ledger says snapshot #${seq} is ${record?.state ?? 'not there'}, its commits say ${state}`,
        `#${seq}`,
      );
    }
  }
}
