/** Tells how much of what a server allows is used, and what will happen when that is too much. */
import type { AccountUsage } from '@keephold/protocol';
import { formatBytes, formatClock } from '../terminal/units.ts';

/** Undefined where nothing limits the account. */
export function quotaText({ storedBytes, quota }: AccountUsage): string | undefined {
  return quota && `used on the server: ${formatBytes(storedBytes)} of ${formatBytes(quota.limit)} (plan ${quota.plan})`;
}

/** Undefined while there is no reason to warn. */
export function quotaWarning(usage: AccountUsage): string | undefined {
  const { quota } = usage;
  const used = quotaText(usage);
  if (quota === undefined || used === undefined) return undefined;
  switch (quota.state) {
    case 'within':
      return undefined;
    case 'near':
      return `${used}: nearly all; ${ADVICE}`;
    case 'grace':
      return `${used}: from ${formatClock(quota.graceUntil ?? 0)} on nothing new will be taken; ${ADVICE}`;
    case 'full':
      return `${used}: nothing new is taken; all that is stored can be read and restored; ${ADVICE}`;
  }
}

const ADVICE =
  'keephold forget makes room when its delays have passed, or ask whoever runs the server for a larger plan';
