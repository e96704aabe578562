/** A little of what `npm run torture -- many-files` does in full. */
import { describe, expect, test } from 'vitest';
import { GROWTH_ALLOWED } from '../torture/many-files.ts';
import { peaksBySize } from './peaks-by-size.ts';

describe.runIf(process.platform === 'linux')('memory', () => {
  test('does not go with the number of files', { timeout: 600_000 }, async () => {
    const peaks = await peaksBySize({ files: 40_000, steps: ['backup', 'check'], seed: 1 });
    console.log([...peaks].map(([step, bytes]) => `${step}: ${bytes.map(megabytes).join(', ')} MB`).join('; '));
    for (const [step, [once, twice]] of peaks) expect(twice / once, step).toBeLessThan(GROWTH_ALLOWED);
  });
});

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}
