/** The conditions of the machine this runs on. */
import { availableParallelism } from 'node:os';
import type { Conditions } from './conditions.ts';

export interface ConditionsOptions {
  readonly platform: NodeJS.Platform;
  /** Of the system bus, where it is not where it always is. */
  readonly busAddress?: string | undefined;
  /** Whose sessions count. */
  readonly userId: number;
}

const usualBus = 'unix:path=/run/dbus/system_bus_socket';

/** Only Linux tells: elsewhere every reading is absent, and what a plan asks of one is not fulfilled. */
export async function openConditions({ platform, busAddress, userId }: ConditionsOptions): Promise<Conditions> {
  if (platform !== 'linux') return untold;
  // With what speaks D-Bus: 25 ms of a processor that who only reads a plan need not spend.
  const { openLinuxConditions } = await import('./linux/linux-conditions.ts');
  return openLinuxConditions({ busAddress: busAddress ?? usualBus, userId, cores: availableParallelism(), root: '/' });
}

const untold: Conditions = {
  current: () => ({}),
  onChange: () => ({ [Symbol.dispose]: () => undefined }),
  stayAwake: () => Promise.resolve({ [Symbol.asyncDispose]: () => Promise.resolve() }),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};
