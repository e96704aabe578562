/** Why a plan may not run now: its rules held against what the machine says and the time of day. Pure. */
import { isWithin, nextStart } from './day-window.ts';
import type { PowerReading, Readings } from './readings.ts';
import type { ConditionRules } from './rules.ts';

type BlockerCode =
  | 'on-battery'
  | 'battery-low'
  | 'no-network'
  | 'metered'
  | 'other-wifi'
  | 'on-vpn'
  | 'in-use'
  | 'busy'
  | 'hot'
  | 'outside-hours';

export interface Blocker {
  readonly code: BlockerCode;
  /** A clause after "it does not run now:". */
  readonly message: string;
  /** When it ends by itself, if that is known. */
  readonly until?: Date;
  /** The machine does not tell: waiting will not end it, a change of the plan will. */
  readonly isUnknown?: true;
}

/** One for each rule that does not hold, in the order in which people can do something about them. */
export function blockersOf(rules: ConditionRules, readings: Readings, now: Date): readonly Blocker[] {
  return [
    powerBlocker(rules, readings.power),
    ...networkBlockers(rules, readings),
    sessionBlocker(rules, readings),
    loadBlocker(rules, readings),
    heatBlocker(rules, readings),
    hoursBlocker(rules, now),
  ].filter((blocker) => blocker !== undefined);
}

/** A load that a run may itself have made is a reason not to begin one, never to stop it. */
export function stopsRun(blocker: Blocker): boolean {
  return blocker.code !== 'busy';
}

function powerBlocker({ onMains, batteryAbove }: ConditionRules, power?: PowerReading): Blocker | undefined {
  if (onMains === undefined && batteryAbove === undefined) return undefined;
  if (power === undefined) return unknown('on-battery', 'this machine does not tell whether it is on battery');
  const { source, level } = power;
  if (source === 'mains') return undefined;
  if (onMains === true)
    return { code: 'on-battery', message: `on battery${level === undefined ? '' : `, at ${percent(level)}`}` };
  if (level === undefined) return unknown('battery-low', 'this machine does not tell how full its battery is');
  if (level > (batteryAbove ?? 0)) return undefined;
  return {
    code: 'battery-low',
    message: `the battery is at ${percent(level)}, not above ${percent(batteryAbove ?? 0)}`,
  };
}

function networkBlockers(rules: ConditionRules, { network }: Readings): (Blocker | undefined)[] {
  if (rules.online === true && network?.isConnected === false) return [{ code: 'no-network', message: 'no network' }];
  return [meteredBlocker(rules, network), wifiBlocker(rules, network), vpnBlocker(rules, network)];
}

function meteredBlocker({ unmetered }: ConditionRules, network: Readings['network']): Blocker | undefined {
  if (unmetered === undefined || network?.isMetered === false) return undefined;
  if (network?.isMetered === true) return { code: 'metered', message: 'the network is metered' };
  return unknown('metered', 'this machine does not tell whether the network is metered');
}

function wifiBlocker({ wifi }: ConditionRules, network: Readings['network']): Blocker | undefined {
  if (wifi === undefined || network?.link === 'cable') return undefined;
  if (network?.link === 'mobile') return { code: 'other-wifi', message: 'on a mobile network' };
  const name = network?.wifiName;
  if (name === undefined) return unknown('other-wifi', 'this machine does not tell which Wi-Fi it uses');
  return wifi.includes(name) ? undefined : { code: 'other-wifi', message: `on the Wi-Fi "${name}"` };
}

function vpnBlocker({ notOnVpn }: ConditionRules, network: Readings['network']): Blocker | undefined {
  if (notOnVpn === undefined || network?.isVpn === false) return undefined;
  if (network?.isVpn === true) return { code: 'on-vpn', message: 'on a VPN' };
  return unknown('on-vpn', 'this machine does not tell whether it is on a VPN');
}

function sessionBlocker({ idle }: ConditionRules, { session }: Readings): Blocker | undefined {
  if (idle === undefined || session?.isIdle === true || session?.isLocked === true) return undefined;
  if (session?.isIdle === false || session?.isLocked === false) return { code: 'in-use', message: 'in use' };
  return unknown('in-use', 'this machine does not tell whether it is in use');
}

function loadBlocker({ loadBelow }: ConditionRules, { loadPerCore }: Readings): Blocker | undefined {
  if (loadBelow === undefined) return undefined;
  if (loadPerCore === undefined) return unknown('busy', 'this machine does not tell how busy it is');
  if (loadPerCore < loadBelow) return undefined;
  return { code: 'busy', message: `${loadPerCore.toFixed(1)} tasks for each core, not below ${loadBelow}` };
}

function heatBlocker({ coolerThan }: ConditionRules, { celsius }: Readings): Blocker | undefined {
  if (coolerThan === undefined) return undefined;
  if (celsius === undefined) return unknown('hot', 'this machine does not tell how hot it is');
  if (celsius < coolerThan) return undefined;
  return { code: 'hot', message: `${Math.round(celsius)} °C hot, not cooler than ${coolerThan} °C` };
}

function hoursBlocker({ between }: ConditionRules, now: Date): Blocker | undefined {
  if (between === undefined || between.some((window) => isWithin(window, now))) return undefined;
  const starts = between.map((window) => nextStart(window, now).getTime());
  return {
    code: 'outside-hours',
    message: `not between ${between.join(' or ')}`,
    until: new Date(Math.min(...starts)),
  };
}

function unknown(code: BlockerCode, message: string): Blocker {
  return { code, message, isUnknown: true };
}

function percent(level: number): string {
  return `${Math.round(level * 100)}%`;
}
