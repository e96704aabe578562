/** What is asked of a Linux machine, of whom first, and which signals are a reason to ask again. */
import type { Readings } from '../readings.ts';
import { logindMatches, logindPath, readLogind } from './logind.ts';
import { networkManagerMatches, networkManagerPath, readNetworkManager } from './network-manager.ts';
import { readSysNetwork } from './sys-network.ts';
import { readSysPower } from './sys-power.ts';
import { readSysStrain } from './sys-strain.ts';
import type { SystemBus } from './system-bus.ts';
import type { SystemFiles } from './system-files.ts';
import { readUpower, upowerMatches, upowerPath } from './upower.ts';

export type Subject = 'power' | 'network' | 'session' | 'strain';
export const subjects: readonly Subject[] = ['power', 'network', 'session', 'strain'];

export interface Answer {
  readonly subject: Subject;
  /** Undefined where the machine does not tell. */
  readonly readings: { readonly [K in keyof Readings]: Readings[K] | undefined };
  /** A change of it will be signalled. */
  readonly isSignalled: boolean;
}

interface Places {
  readonly bus: SystemBus | undefined;
  readonly files: SystemFiles;
  readonly userId: number;
  readonly cores: number;
}

const services = ['org.freedesktop.UPower', 'org.freedesktop.NetworkManager', 'org.freedesktop.login1'];

export const wantedSignals: readonly string[] = [
  ...upowerMatches,
  ...networkManagerMatches,
  ...logindMatches,
  ...services.map((name) => `type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='${name}'`),
];

/** What a signal of the object at this path may have changed. */
export function subjectsAt(path: string): readonly Subject[] {
  if (path.startsWith(upowerPath)) return ['power'];
  if (path.startsWith(networkManagerPath)) return ['network'];
  if (path.startsWith(logindPath)) return ['session'];
  // The bus itself: a service came or went.
  return subjects;
}

export async function readSubject(subject: Subject, places: Places): Promise<Answer> {
  const { files, cores } = places;
  const told = places.bus && (await readService(subject, { ...places, bus: places.bus }));
  if (told !== undefined) return { subject, readings: told, isSignalled: true };
  switch (subject) {
    case 'power':
      return { subject, readings: { power: await readSysPower(files) }, isSignalled: false };
    case 'network':
      return { subject, readings: { network: await readSysNetwork(files) }, isSignalled: false };
    case 'session':
      return { subject, readings: { session: undefined }, isSignalled: false };
    case 'strain':
      return { subject, readings: await readSysStrain(files, cores), isSignalled: false };
  }
}

/** Nothing when the service of the subject does not answer. */
async function readService(
  subject: Subject,
  { bus, userId }: Places & { readonly bus: SystemBus },
): Promise<Answer['readings'] | undefined> {
  switch (subject) {
    case 'power':
      return present('power', await readUpower(bus));
    case 'network':
      return present('network', await readNetworkManager(bus));
    case 'session':
      return present('session', await readLogind(bus, userId));
    case 'strain':
      return undefined;
  }
}

function present<K extends keyof Readings>(name: K, reading: Readings[K] | undefined): Answer['readings'] | undefined {
  return reading === undefined ? undefined : { [name]: reading };
}
