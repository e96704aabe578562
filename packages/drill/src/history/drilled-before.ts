/** Which files a draw counts as drilled. */
import { PATH_MARK_BYTES, pathMark } from '../sampling/draw-key.ts';
import type { DrillRun } from './drill-run.ts';

const MARK_LENGTH = PATH_MARK_BYTES * 2;

/**
 * Answers for paths, by what earlier runs brought back. A run that has the seed already is repeated: only what came
 * before it counts, so that the same files are drawn.
 */
export function drilledBefore(runs: readonly DrillRun[], seed: number): (path: Uint8Array) => boolean {
  const repeated = runs.findLastIndex((run) => run.seed === seed);
  const earlier = repeated < 0 ? runs : runs.slice(0, repeated);
  const marks = new Set<string>();
  for (const { drilled } of earlier) {
    for (let at = 0; at < drilled.length; at += MARK_LENGTH) marks.add(drilled.slice(at, at + MARK_LENGTH));
  }
  return (path) => marks.size > 0 && marks.has(pathMark(path));
}
