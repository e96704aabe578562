/** When a plan is due, what keeps it from running, and the process that runs it. */

export { Agent, type AgentFiles } from './agent.ts';
export type { AgentEvent, PlanState } from './agent-events.ts';
export type { AgentPlan } from './agent-plan.ts';
export { askAgent, watchAgent } from './control/control-client.ts';
export { ControlServer } from './control/control-server.ts';
export { decide, type Reason } from './decide.ts';
export { AgentError } from './errors.ts';
export { asMoment } from './fields.ts';
export { Ledger, readLedger, waitsSince } from './ledger/ledger.ts';
export type { LedgerEntry } from './ledger/ledger-entry.ts';
export { RotatingLog } from './log/rotating-log.ts';
export { withoutPaths } from './log/without-paths.ts';
export { formatPauses, type Pause, parsePauses, withoutPause, withPause } from './pauses.ts';
export { planState } from './plan-state.ts';
export { childRunner } from './runs/child-runner.ts';
export { formatRunBook, parseRunBook } from './runs/run-book-codec.ts';
export { type RunBook, type RunRecord, withRun } from './runs/run-record.ts';
export type { Progress } from './runs/runner.ts';
export { type AgentService, type ServiceManager, START_AGAIN } from './service/agent-service.ts';
export { ServiceError } from './service/errors.ts';
export { type Installed, installService, uninstallService } from './service/install-service.ts';
export { thisServiceManager } from './service/this-service-manager.ts';
export { silenceOf } from './silence.ts';
export { lockSingleAgent } from './single-agent.ts';
export { defaultGoal, type Goal, parseGoal } from './timing/goal.ts';
export { elapsed, type Moment } from './timing/moment.ts';
export { systemClock } from './timing/system-clock.ts';
