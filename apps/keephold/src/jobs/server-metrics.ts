/** What a server process measures of the database and the bucket it uses, and of the work that waits there. */
import { measured } from '@keephold/backend';
import { measuredDatabase } from '@keephold/custody/sql';
import type { Metrics } from '@keephold/server';
import type { ServerParts } from './server-parts.ts';

export function measuredParts(parts: ServerParts, metrics: Metrics, now: () => number): ServerParts {
  const uses = metrics.durations('database', 'Uses of the database.', ['use', 'outcome']);
  const calls = metrics.durations('bucket', 'Calls of the bucket, with all their tries.', ['call', 'outcome']);
  const { accounts, database, storage, collection, replica, scrub } = parts;
  metrics.gauge('collections_due', 'Vaults that are to be collected now.', async () => await collection.due(now()));
  metrics.gauge(
    'scrubs_due',
    'Vaults of which a part is to be read again now.',
    async () => await scrub.queue.due(now()),
  );
  metrics.gauge(
    'damaged',
    'Packs and objects that are damaged and not repaired.',
    async () => await scrub.damage.count(),
  );
  if (replica !== undefined) {
    const waiting = async (): Promise<number> => (await replica.queue.waiting()).vaults;
    metrics.gauge('replications_waiting', 'Vaults of which the second site lacks something.', waiting);
  }
  const measure = (inner: typeof accounts): typeof accounts =>
    measuredDatabase(inner, (use, outcome, seconds) => uses({ use, outcome }, seconds));
  return {
    ...parts,
    accounts: measure(accounts),
    database: database.kind === 'shared' ? { kind: 'shared', database: measure(database.database) } : database,
    storage:
      storage.kind === 'bucket'
        ? {
            kind: 'bucket',
            backend: measured(storage.backend, (call, outcome, seconds) => calls({ call, outcome }, seconds)),
          }
        : storage,
  };
}
