/** How busy and how hot the machine is, as the kernel has it. */
import type { SystemFiles } from './system-files.ts';

const zones = 'sys/class/thermal';

export async function readSysStrain(
  files: SystemFiles,
  cores: number,
): Promise<{ readonly loadPerCore: number | undefined; readonly celsius: number | undefined }> {
  const load = Number.parseFloat((await files.text('proc/loadavg')) ?? '');
  return { loadPerCore: load >= 0 ? load / cores : undefined, celsius: await hottest(files) };
}

async function hottest(files: SystemFiles): Promise<number | undefined> {
  const names = (await files.names(zones)).filter((name) => name.startsWith('thermal_zone'));
  const read = await Promise.all(names.map((name) => files.number(zones, name, 'temp')));
  // Sensors that are off say zero, less, or nonsense.
  const degrees = read.filter((one) => one !== undefined && one > 0 && one < 150_000).map((one) => Number(one) / 1000);
  return degrees.length === 0 ? undefined : Math.max(...degrees);
}
