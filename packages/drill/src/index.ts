/** Restore drills: draws a sample, opens what came back, remembers how it went. Restores nothing itself. */

export {
  BrokenFileError,
  DrillError,
  type DrillErrorCode,
  HistoryError,
  SpoiledDecoderError,
  UndecidedFileError,
} from './errors.ts';
export {
  type DrillProblem,
  type DrillResult,
  type DrillRun,
  MAX_PROBLEMS,
} from './history/drill-run.ts';
export { drilledBefore } from './history/drilled-before.ts';
export { decodeHistory, encodeHistory, withRun } from './history/history-codec.ts';
export { type DrillTrend, drillTrend, type Pace } from './history/trend.ts';
export type { Format } from './opening/format.ts';
export { openFile } from './opening/open-file.ts';
export type { Opening } from './opening/opened.ts';
export { drawKey, pathMark } from './sampling/draw-key.ts';
export { isDatabaseName } from './sampling/precious.ts';
export { Sample, type SampleBudget } from './sampling/sample.ts';
export { type DrillCandidate, drillWeight } from './sampling/weight.ts';
