/** Hundreds of thousands of small files, and twice as many; see e2e/memory. */
import { type Peaks, peaksBySize } from '../memory/peaks-by-size.ts';
import { eachRound, type TortureJob } from './torture-job.ts';

const FILES = 400_000;
/**
 * Times the peak with half of the files. Tables of blobs and of trees do grow, by some tens of bytes a file; a page held
 * for each folder, or rows that wait for the collector, are far more.
 */
export const GROWTH_ALLOWED = 1.15;

export const manyFiles: TortureJob = {
  name: 'many-files',
  tries: `memory, with ${FILES.toLocaleString('en')} small files and with twice as many: backup, check and restore, 8 GB of temporary space`,
  run: async ({ seed, more, log }) => {
    await eachRound({ seed, more }, async (round) => {
      const peaks = await peaksBySize({ files: FILES, steps: ['backup', 'check', 'restore'], seed: round });
      for (const [step, bytes] of peaks) log(`${step}: ${bytes.map(megabytes).join(' and ')} MB`);
      for (const [step, [once, twice]] of peaks) requireBounded(step, [once, twice]);
    });
  },
};

function requireBounded(step: string, [once, twice]: Peaks): void {
  if (twice / once < GROWTH_ALLOWED) return;
  throw new Error(`${step} takes ${megabytes(twice)} MB with twice the files that it takes ${megabytes(once)} MB with`);
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}
