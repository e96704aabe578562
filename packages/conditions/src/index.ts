/** What the machine says of power, network and use, and what a plan asks of it. */

export { type Blocker, blockersOf, stopsRun } from './blockers.ts';
export type { Conditions } from './conditions.ts';
export { type DayWindow, isWithin, nextEdge, parseDayWindow } from './day-window.ts';
export { ConditionsError } from './errors.ts';
export { type ConditionsOptions, openConditions } from './open-conditions.ts';
export { readRules } from './read-rules.ts';
export type { NetworkReading, PowerReading, Readings, SessionReading } from './readings.ts';
export { type ConditionRules, defaultRules, defaultRulesOverNetwork } from './rules.ts';
export { showNotice } from './show-notice.ts';
