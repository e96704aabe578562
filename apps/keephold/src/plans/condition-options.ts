/** The options of `keephold plan` that say when a plan runs by itself. */
import { type ConditionRules, type DayWindow, parseDayWindow } from '@keephold/conditions';
import { flag, integer, type Option, type OptionValues, percent, texts } from '../command-line/options.ts';
import { UsageError } from '../errors.ts';

export const conditionOptions = {
  'on-mains': flag({ help: 'run by itself on mains only' }),
  'battery-above': percent({ value: 'PERCENT', min: 0, max: 99, help: 'on battery too, above this charge' }),
  unmetered: flag({ help: 'not over a metered network, nor one that does not tell' }),
  wifi: texts({ value: 'NAME', help: 'of all Wi-Fi networks only over this one (may be repeated); by cable always' }),
  'not-on-vpn': flag({ help: 'not while a VPN is up' }),
  idle: flag({ help: 'only while nobody uses the machine, or it is locked' }),
  'load-below': integer({ value: 'N', min: 1, max: 1000, help: 'begin only below N running tasks for each core' }),
  'cooler-than': integer({ value: 'DEGREES', min: 1, max: 150, help: 'only below this temperature, in °C' }),
  between: dayWindows({ value: 'HH:MM-HH:MM', help: 'only at this time of day (may be repeated)' }),
  'no-conditions': flag({ help: 'of the above, ask only what is given along with this' }),
} as const;

export type ConditionValues = OptionValues<typeof conditionOptions>;

/** The rules of before with what is given in their place. */
export function changedRules(before: ConditionRules, values: ConditionValues): ConditionRules {
  const given = givenRules(values);
  if (given.onMains === true && given.batteryAbove !== undefined)
    throw new UsageError('--on-mains and --battery-above exclude each other', 'leave one of them out');
  const { onMains, batteryAbove, ...rest } = values['no-conditions'] ? {} : before;
  const isPowerGiven = given.onMains !== undefined || given.batteryAbove !== undefined;
  const power = { ...(onMains && { onMains }), ...(batteryAbove !== undefined && { batteryAbove }) };
  return { ...(!isPowerGiven && power), ...rest, ...given };
}

export function hasConditions(values: ConditionValues): boolean {
  return values['no-conditions'] || Object.keys(givenRules(values)).length > 0;
}

function givenRules(values: ConditionValues): ConditionRules {
  const { wifi, between } = values;
  const [batteryAbove, loadBelow, coolerThan] = [values['battery-above'], values['load-below'], values['cooler-than']];
  return {
    ...(values['on-mains'] && { onMains: true as const }),
    ...(batteryAbove !== undefined && { batteryAbove: batteryAbove / 100 }),
    ...(values.unmetered && { unmetered: true as const }),
    ...(wifi.length > 0 && { wifi: wifi.map(wifiName) }),
    ...(values['not-on-vpn'] && { notOnVpn: true as const }),
    ...(values.idle && { idle: true as const }),
    ...(loadBelow !== undefined && { loadBelow }),
    ...(coolerThan !== undefined && { coolerThan }),
    ...(between.length > 0 && { between }),
  };
}

function wifiName(name: string): string {
  if (name === '') throw new UsageError('--wifi is empty', 'give the name of a Wi-Fi network');
  return name;
}

function dayWindows(described: { readonly value: string; readonly help: string }): Option<readonly DayWindow[]> {
  return {
    ...described,
    arity: 'required-value',
    valueName: described.value,
    initial: [],
    take(written, before, name) {
      const window = parseDayWindow(written ?? '');
      if (window !== undefined) return [...before, window];
      throw new UsageError(`--${name} takes a time of day such as 22:00-06:00, not "${written ?? ''}"`);
    },
  };
}
