/** A little of what `npm run torture -- several-writers` does in full. */
import { describe, expect, test } from 'vitest';
import { severalWriters } from './several-writers.ts';

describe.skipIf(process.platform === 'win32')('several writers', () => {
  test('of one vault at once, one of them malicious, lose nothing (M19)', { timeout: 300_000 }, async () => {
    const report = await severalWriters({ seed: 20_261_125, devices: 8, steps: 1, maliciousActs: 14, restored: 1 });
    expect(report.restored).toBe(7);
    // Those that are refused must have been tried.
    expect(Object.keys(report.acts)).toHaveLength(14);
    const never = ['a refset of packs that never were', 'a heal that takes away from a snapshot of another'];
    for (const act of never) expect(report.acts[act]).not.toHaveProperty('accepted');
  });
});
