/** Wrapper that tells how long the calls take that devices wait for: files and ledger together, wherever they are. */
import type { KeptCustody, RepositoryKeeper } from '@keephold/custody';
import { type Custody, overrideCustody } from '@keephold/protocol';
import type { Metrics } from './metrics.ts';

type Measured = 'head' | 'putPack' | 'getPack' | 'putObject' | 'commit' | 'referablePacks';
const MEASURED: readonly Measured[] = ['head', 'putPack', 'getPack', 'putObject', 'commit', 'referablePacks'];

export function measuringKeeper(keeper: RepositoryKeeper, metrics: Metrics): RepositoryKeeper {
  const durations = metrics.durations('repository', 'Calls of repositories, whether they succeed or fail.', ['call']);
  return {
    create: async (records) => await keeper.create(records),
    open: async (accountId) => {
      const custody = await keeper.open(accountId);
      const timed = MEASURED.map((call) => [call, timedCall(custody, call, durations)] as const);
      // What is kept beside the seam passes through untouched.
      return overrideCustody(custody, Object.fromEntries(timed) as Partial<Custody>) as KeptCustody;
    },
  };
}

function timedCall(
  custody: Custody,
  call: Measured,
  durations: ReturnType<Metrics['durations']>,
): (...args: unknown[]) => Promise<unknown> {
  const work = custody[call].bind(custody) as (...args: unknown[]) => Promise<unknown>;
  return async (...args) => {
    const start = performance.now();
    try {
      return await work(...args);
    } finally {
      durations({ call }, (performance.now() - start) / 1000);
    }
  };
}
