/**
 * Pauses people asked for, of one plan or of all, as JSON: `{"version":1,"pauses":[{"plan":"home","from":…,"for":3600000}]}`.
 * They end by elapsed time, so that setting the clock neither ends nor prolongs one.
 */
import { AgentError } from './errors.ts';
import { asList, asMoment, asNumber, asRecord, asText } from './fields.ts';
import { elapsed, type Moment } from './timing/moment.ts';

export interface Pause {
  /** All plans when it names none. */
  readonly plan?: string;
  readonly from: Moment;
  /** Milliseconds; until resumed when it is not there. */
  readonly for?: number;
}

const VERSION = 1;
const MAX_PAUSES = 1000;

export function formatPauses(pauses: readonly Pause[]): string {
  return JSON.stringify({ version: VERSION, pauses });
}

/** @throws AgentError `malformed`, `newer` */
export function parsePauses(text: string): readonly Pause[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new AgentError('malformed', 'read pauses: they are no JSON', { cause });
  }
  const { version, pauses } = asRecord(parsed, 'pauses');
  if (typeof version === 'number' && version > VERSION)
    throw new AgentError('newer', `read pauses: they have version ${version}`);
  if (version !== VERSION) throw new AgentError('malformed', 'read pauses: they have no version');
  return asList(pauses, MAX_PAUSES, 'pauses').map(pauseOf);
}

function pauseOf(value: unknown): Pause {
  const pause = asRecord(value, 'a pause');
  return {
    ...(pause['plan'] !== undefined && { plan: asText(pause['plan'], 'plan') }),
    from: asMoment(pause['from']),
    ...(pause['for'] !== undefined && { for: asNumber(pause['for'], 'for') }),
  };
}

/** With this one in place of what was said of the same plan. */
export function withPause(pauses: readonly Pause[], pause: Pause): readonly Pause[] {
  return [...pauses.filter(({ plan }) => plan !== pause.plan), pause];
}

/** Without that of the plan; without any when none is named. */
export function withoutPause(pauses: readonly Pause[], plan: string | undefined): readonly Pause[] {
  return plan === undefined ? [] : pauses.filter((pause) => pause.plan !== plan);
}

/** The pause that holds this plan, the one that lasts longest, and how long it does; undefined when none does. */
export function pauseOfPlan(pauses: readonly Pause[], plan: string, now: Moment): Held | undefined {
  const held = pauses
    .filter((pause) => pause.plan === undefined || pause.plan === plan)
    .map((pause) => ({ pause, forMs: leftOf(pause, now) }))
    .filter(({ forMs }) => forMs > 0);
  return held.toSorted((a, b) => b.forMs - a.forMs)[0];
}

interface Held {
  readonly pause: Pause;
  /** Milliseconds; infinite until it is resumed. */
  readonly forMs: number;
}

/** When nobody knows how long it has been, the machine has been started again since: that ends it. */
function leftOf({ from, for: lasts }: Pause, now: Moment): number {
  if (lasts === undefined) return Number.POSITIVE_INFINITY;
  const passed = elapsed(from, now);
  return passed === undefined ? 0 : lasts - passed;
}
