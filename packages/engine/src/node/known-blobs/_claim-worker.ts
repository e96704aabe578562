/** Claims a run of ids, as many of them as other threads do at the same time; answers what it was told of each. */
import { parentPort, workerData } from 'node:worker_threads';
import { KnownBlobs, type SharedKnownBlobs } from './known-blobs.ts';

export interface ClaimJob {
  readonly shared: SharedKnownBlobs;
  /** 32 bytes each. */
  readonly ids: Uint8Array;
  readonly gate: SharedArrayBuffer;
}

const { shared, ids, gate } = workerData as ClaimJob;
const known = new KnownBlobs(shared);
const answers = new Int32Array(ids.length / 32);
const records = new Uint32Array(ids.length / 32);
Atomics.add(new Int32Array(gate), 0, -1);
while (Atomics.load(new Int32Array(gate), 0) > 0);
for (let i = 0; i < answers.length; i++) {
  answers[i] = known.findOrClaim(ids.subarray(i * 32, i * 32 + 32));
  records[i] = known.record;
}
known.close();
parentPort?.postMessage({ answers, records });
