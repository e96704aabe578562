/**
 * What the ledger tells: why due runs did not happen, one entry for each stretch of the same reason. A stretch ends with
 * the next entry of its plan.
 */
import { AgentError } from '../errors.ts';
import { asMoment, asNumber, asRecord, asText } from '../fields.ts';
import type { Moment } from '../timing/moment.ts';

export type LedgerEntry =
  /** A run began. */
  | { readonly kind: 'run'; readonly plan: string; readonly mark: string; readonly at: Moment; readonly pid: number }
  /** It ended. */
  | { readonly kind: 'end'; readonly plan: string; readonly at: Moment; readonly outcome: string }
  /** Due, and held back from now on. */
  | {
      readonly kind: 'wait';
      readonly plan: string;
      readonly at: Moment;
      readonly code: string;
      readonly message: string;
      /** Unix milliseconds: when it is expected to go on. */
      readonly until?: number;
    }
  /** No longer held back, or no longer due. */
  | { readonly kind: 'clear'; readonly plan: string; readonly at: Moment }
  /** Nobody was there to run anything: the machine was asleep, or no agent ran. */
  | { readonly kind: 'away'; readonly at: Moment; readonly from: Moment; readonly cause: 'asleep' | 'no-agent' };

/** A longer one is cut: a ledger of a known number of lines has a known size. */
const MAX_MESSAGE = 300;

export function formatEntry(entry: LedgerEntry): string {
  const short = entry.kind === 'wait' ? { ...entry, message: entry.message.slice(0, MAX_MESSAGE) } : entry;
  return `${JSON.stringify(short)}\n`;
}

/** @throws SyntaxError, AgentError `malformed` */
export function parseEntry(line: string): LedgerEntry {
  const fields = asRecord(JSON.parse(line), 'an entry');
  const at = asMoment(fields['at']);
  const plan = (): string => asText(fields['plan'], 'plan');
  switch (fields['kind']) {
    case 'run':
      return {
        kind: 'run',
        plan: plan(),
        mark: asText(fields['mark'], 'mark'),
        at,
        pid: asNumber(fields['pid'], 'pid'),
      };
    case 'end':
      return { kind: 'end', plan: plan(), at, outcome: asText(fields['outcome'], 'outcome') };
    case 'wait': {
      const { code, message, until } = fields;
      const why = { code: asText(code, 'code'), message: asText(message, 'message') };
      return {
        kind: 'wait',
        plan: plan(),
        at,
        ...why,
        ...(until !== undefined && { until: asNumber(until, 'until') }),
      };
    }
    case 'clear':
      return { kind: 'clear', plan: plan(), at };
    case 'away': {
      const cause = fields['cause'] === 'asleep' ? 'asleep' : 'no-agent';
      return { kind: 'away', at, from: asMoment(fields['from']), cause };
    }
    default:
      throw new AgentError('malformed', 'read ledger: an entry is of no known kind');
  }
}
