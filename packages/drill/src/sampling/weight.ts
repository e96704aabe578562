/** How much a file weighs in a draw: precious, large, old and never drilled files come sooner. */
import { preciousness } from './precious.ts';

export interface DrillCandidate {
  /** In the snapshot, raw bytes. */
  readonly path: Uint8Array;
  readonly size: number;
  /** UTC nanoseconds. */
  readonly mtime: bigint;
}

const NANOSECONDS_PER_DAY = 86_400_000_000_000n;
/** From this age on a file is as old as can be. */
const OLD_DAYS = 1825;
const SIZE_STEP = 65_536;
/** How much sooner a file comes that no drill has had yet. */
const NEVER_DRILLED = 4;

export interface WeightOptions {
  /** Of the snapshot, UTC nanoseconds: ages are counted from it, so that a draw can be repeated later. */
  readonly snapshotTime: bigint;
  readonly wasDrilled: boolean;
}

/** Above 0 for every file that holds something. One of 64 KiB weighs twice as much as an empty one, 64 MiB eleven times. */
export function drillWeight({ path, size, mtime }: DrillCandidate, options: WeightOptions): number {
  if (size <= 0) return 0;
  const bulk = 1 + Math.log2(1 + size / SIZE_STEP);
  const days = Number((options.snapshotTime - mtime) / NANOSECONDS_PER_DAY);
  const age = 1 + 2 * Math.min(1, Math.max(0, days) / OLD_DAYS);
  return preciousness(path) * bulk * age * (options.wasDrilled ? 1 : NEVER_DRILLED);
}
