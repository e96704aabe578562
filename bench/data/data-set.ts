/** What a set of files to back up is made of. The same seed makes the same content, names, modes and times. */
import { utimesSync, writeFileSync } from 'node:fs';
import type { SeededRandom } from './seeded-random.ts';

export interface DataSetSize {
  readonly files: number;
  readonly bytes: number;
}

export interface DataSet {
  readonly name: string;
  readonly title: string;
  readonly size: DataSetSize;
  /** Fills an empty folder. */
  make(folder: string): void;
  /** Changes about 1 % of it, as a day's work would. */
  change(folder: string): void;
  /** A file that is there before and after, relative to the folder. */
  readonly sample: string;
}

/** Old enough that no tool has to doubt whether a file changes again within the same tick of its clock. */
const OLDEST = 1_600_000_000;

/** Writes a file with a time of its own. */
export function writeAged(path: string, content: Uint8Array, options: { random: SeededRandom; mode?: number }): void {
  writeFileSync(path, content, { mode: options.mode ?? 0o644 });
  age(path, options.random);
}

/** Sets a modification time of some time ago, to the microsecond. */
export function age(path: string, random: SeededRandom): void {
  const time = OLDEST + random.between(0, 100_000_000) + random.between(0, 999_999) / 1e6;
  utimesSync(path, time, time);
}
