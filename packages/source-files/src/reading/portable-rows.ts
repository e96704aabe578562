/** Stat rows from node:fs, where the C library cannot be called. */
import type { BigIntStats } from 'node:fs';

const NANOSECONDS = 1_000_000_000n;

export function copyStats(stat: BigIntStats, row: Uint32Array, at: number): void {
  const u64 = (word: number, value: bigint): void => {
    const bits = BigInt.asUintN(64, value);
    row[at + word] = Number(bits & 0xffff_ffffn);
    row[at + word + 1] = Number(bits >> 32n);
  };
  const time = (seconds: number, nanoseconds: number, value: bigint): void => {
    const rest = ((value % NANOSECONDS) + NANOSECONDS) % NANOSECONDS;
    row[at + nanoseconds] = Number(rest);
    u64(seconds, (value - rest) / NANOSECONDS);
  };
  row[at] = Number(stat.mode) & 0xffff;
  row[at + 1] = Number(stat.uid);
  row[at + 2] = Number(stat.gid);
  row[at + 5] = 0;
  u64(6, stat.ino);
  u64(8, stat.size);
  time(10, 3, stat.mtimeNs);
  time(12, 4, stat.ctimeNs);
  u64(14, stat.dev);
  row[at + 16] = Number(stat.nlink);
  time(18, 17, stat.birthtimeNs);
  row[at + 20] = Number((stat.rdev >> 8n) & 0xfffn);
  row[at + 21] = Number((stat.rdev & 0xffn) | ((stat.rdev >> 12n) & 0xfff00n));
  u64(22, stat.blocks);
  row[at + 24] = stat.birthtimeNs > 0n ? 1 : 0;
  row[at + 25] = 0;
}
