/** Fields of JSON that may have been written by anybody, checked one by one. */
import { AgentError } from './errors.ts';
import type { Moment } from './timing/moment.ts';

type Fields = Readonly<Record<string, unknown>>;
const MAX_TEXT = 2000;

export function asRecord(value: unknown, what: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw malformed(what);
}

export function asList(value: unknown, longest: number, what: string): readonly unknown[] {
  if (Array.isArray(value) && value.length <= longest) return value as unknown[];
  throw malformed(what);
}

export function asText(value: unknown, what: string): string {
  if (typeof value === 'string' && value.length <= MAX_TEXT) return value;
  throw malformed(what);
}

export function asNumber(value: unknown, what: string): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
  throw malformed(what);
}

export function asMoment(value: unknown): Moment {
  const { wall, uptime, boot } = asRecord(value, 'a moment');
  return {
    wall: asNumber(wall, 'wall'),
    uptime: asNumber(uptime, 'uptime'),
    ...(boot !== undefined && { boot: asText(boot, 'boot') }),
  };
}

function malformed(what: string): AgentError {
  return new AgentError('malformed', `read state of the agent: ${what} is not as it was written`);
}
