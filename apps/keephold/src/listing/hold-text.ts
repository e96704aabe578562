/** A hold in words, without a name of anything. */
import type { Hold } from '@keephold/protocol';
import { formatClock } from '../terminal/units.ts';
import { hex } from './node-text.ts';

export function holdText({ since, deviceId }: Hold): string {
  const when = since === undefined ? 'nobody knows since when' : `since ${formatClock(since)}`;
  const who = deviceId === undefined ? '' : ` by the device ${hex(deviceId).slice(0, 8)}`;
  return `deletion is stopped${who}, ${when}: nothing expires and nothing is deleted`;
}

export function holdFields({ since, deviceId }: Hold): Readonly<Record<string, unknown>> {
  return {
    since: since === undefined ? null : new Date(since).toISOString(),
    device: deviceId === undefined ? null : hex(deviceId),
  };
}
