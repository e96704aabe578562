/**
 * Proves that what snapshots need is there: index objects, refsets, trees, a place for every blob; and, for the part of
 * the packs that is read, that every byte is what was stored. Names what is damaged and whom that affects. Changes
 * nothing. Keychain and commit chain were verified when the repository was opened.
 */
import type { CheckOptions, CheckReport } from './check-options.ts';
import { CheckRun } from './check-run.ts';

export type { CheckOptions, CheckProgress, CheckReport } from './check-options.ts';
export type { CheckProblem } from './findings.ts';

export async function check(options: CheckOptions): Promise<CheckReport> {
  const started = performance.now();
  const run = new CheckRun(options);
  const interrupted = await run.run();
  return { ...run.counts(), durationMs: performance.now() - started, interrupted };
}
