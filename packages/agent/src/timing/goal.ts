/** How old the newest backup of a plan may become, as people write it: 90min, 24h, 7d. */

declare const brand: unique symbol;
/** Milliseconds. */
export type Goal = number & { readonly [brand]: 'Goal' };

const milliseconds: Readonly<Record<string, number>> = { s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 };
const LONGEST = 366 * 86_400_000;

/** Of a plan that says nothing. */
export const defaultGoal: string = '24h';

/** Undefined when it is none: no whole number of s, min, h or d, nothing at all, or more than a year. */
export function parseGoal(text: string): Goal | undefined {
  const [, count = '', unit = ''] = /^([1-9]\d{0,7})(s|min|h|d)$/.exec(text) ?? [];
  const goal = Number(count) * (milliseconds[unit] ?? 0);
  return goal > 0 && goal <= LONGEST ? (goal as Goal) : undefined;
}
