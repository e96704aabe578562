/** Power as UPower has it: https://upower.freedesktop.org/docs/UPower.html */
import type { PowerReading } from '../readings.ts';
import type { BusObject, Properties, SystemBus } from './system-bus.ts';

const service = 'org.freedesktop.UPower';
export const upowerPath = '/org/freedesktop/UPower';
const manager: BusObject = { service, path: upowerPath, interface: service };
/** All batteries as one. */
const display: BusObject = {
  service,
  path: `${upowerPath}/devices/DisplayDevice`,
  interface: 'org.freedesktop.UPower.Device',
};

export const upowerMatches: readonly string[] = [
  `type='signal',sender='${service}',path='${manager.path}'`,
  `type='signal',sender='${service}',path='${display.path}'`,
];

/** Nothing when UPower is not there. */
export async function readUpower(bus: SystemBus): Promise<PowerReading | undefined> {
  const [state, device] = await Promise.all([bus.properties(manager), bus.properties(display)]);
  const onBattery = state?.['OnBattery'];
  if (typeof onBattery !== 'boolean') return undefined;
  const level = levelOf(device);
  return { source: onBattery ? 'battery' : 'mains', ...(level !== undefined && { level }) };
}

function levelOf(device: Properties | undefined): number | undefined {
  const percentage = device?.['Percentage'];
  if (device?.['IsPresent'] !== true || typeof percentage !== 'number') return undefined;
  return percentage >= 0 && percentage <= 100 ? percentage / 100 : undefined;
}
