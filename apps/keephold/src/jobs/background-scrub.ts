/** The scrubber of a server process, with its log and its figures. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AccountsSurroundings } from '@keephold/accounts';
import { addNotice } from '@keephold/accounts/notices';
import type { Backend } from '@keephold/backend';
import { replicaOf } from '@keephold/custody';
import { type AccountKeeper, type Metrics, type ScrubOutcome, startScrubber, type VaultWorker } from '@keephold/server';
import type { Context } from '../context.ts';
import type { ServerParts } from './server-parts.ts';

export interface ScrubParts {
  readonly keeper: AccountKeeper;
  readonly scrub: ServerParts['scrub'];
  /** The second site. */
  readonly root: Backend | undefined;
  readonly bytesPerSecond: number;
  readonly metrics: Metrics | undefined;
  readonly accounts: AccountsSurroundings;
}

export function scrubInBackground(
  { out, now }: Pick<Context, 'out' | 'now'>,
  { keeper, scrub, root, bytesPerSecond, metrics, accounts }: ScrubParts,
): VaultWorker {
  const count = metrics && counting(metrics);
  return startScrubber({
    ...{ keeper, ...scrub, now, bytesPerSecond },
    wait: async (milliseconds, signal) => await sleep(milliseconds, undefined, { signal }),
    placeOf: root && (async (accountId) => await replicaOf(root, accountId)),
    onDamage: async (accountId, found) => {
      const { database, random } = accounts;
      const notice = { kind: 'damage', ...found } as const;
      await database.transaction(async (sql) => await addNotice(sql, { accountId, notice, now: now(), random }));
    },
    onScrubbed: (outcome) => {
      if (outcome.kind === 'scrubbed') count?.(outcome);
      const line = logLine(outcome);
      if (line !== undefined) out.error(line);
    },
  });
}

type Scrubbed = Extract<ScrubOutcome, { readonly kind: 'scrubbed' }>;

function counting(metrics: Metrics): (outcome: Scrubbed) => void {
  const read = metrics.counter('scrubbed_bytes_total', 'Bytes read again and compared with their names.', []);
  const found = metrics.counter('damage_found_total', 'Packs and objects found damaged.', ['outcome']);
  return ({ report, newlyDamaged }) => {
    read({}, report.bytes);
    found({ outcome: 'repaired' }, report.repaired);
    found({ outcome: 'left' }, newlyDamaged);
  };
}

/** JSON, like the lines of requests, for damage and what failed; undefined when all was well. */
function logLine(outcome: ScrubOutcome): string | undefined {
  if (outcome.kind === 'failed') return JSON.stringify({ job: 'scrub', failed: outcome.code });
  const { report, newlyDamaged } = outcome;
  const { repaired, packs, objects } = report;
  if (repaired + newlyDamaged === 0) return undefined;
  return JSON.stringify({ job: 'scrub', packs, objects, repaired, damaged: newlyDamaged });
}
