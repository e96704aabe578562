/** Power as the kernel has it: Documentation/ABI/testing/sysfs-class-power. */
import type { PowerReading } from '../readings.ts';
import type { SystemFiles } from './system-files.ts';

const folder = 'sys/class/power_supply';

interface Supply {
  readonly isBattery: boolean;
  readonly isOnline: boolean;
  /** Charge, 0 to 1. */
  readonly level: number | undefined;
}

/** A machine in which no battery is found is on mains. */
export async function readSysPower(files: SystemFiles): Promise<PowerReading> {
  const names = await files.names(folder);
  const supplies = (await Promise.all(names.map((name) => readSupply(files, name)))).filter((one) => one !== undefined);
  const batteries = supplies.filter(({ isBattery }) => isBattery);
  const levels = batteries.map(({ level }) => level).filter((level) => level !== undefined);
  const isMains = batteries.length === 0 || supplies.some(({ isOnline }) => isOnline);
  const level = levels.length === 0 ? undefined : levels.reduce((sum, one) => sum + one) / levels.length;
  return { source: isMains ? 'mains' : 'battery', ...(level !== undefined && { level }) };
}

/** Nothing for what does not drive the machine: the batteries of mice and phones say so by their scope. */
async function readSupply(files: SystemFiles, name: string): Promise<Supply | undefined> {
  if ((await files.text(folder, name, 'scope')) === 'Device') return undefined;
  const type = await files.text(folder, name, 'type');
  if (type === undefined) return undefined;
  const isBattery = type === 'Battery' || type === 'UPS';
  if (!isBattery) return { isBattery, isOnline: (await files.text(folder, name, 'online')) === '1', level: undefined };
  if ((await files.text(folder, name, 'present')) === '0') return undefined;
  const capacity = await files.number(folder, name, 'capacity');
  const isOnline = (await files.text(folder, name, 'status')) === 'Charging';
  const isLevel = capacity !== undefined && capacity >= 0 && capacity <= 100;
  return { isBattery, isOnline, level: isLevel ? capacity / 100 : undefined };
}
