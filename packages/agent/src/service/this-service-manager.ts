/** The manager of the system that this runs on. */
import { join } from 'node:path';
import type { ServiceManager } from './agent-service.ts';
import { ServiceError } from './errors.ts';
import { launchd } from './launchd.ts';
import { systemCommands } from './run-command.ts';
import { systemSystemd, userSystemd } from './systemd.ts';
import { taskScheduler } from './task-scheduler.ts';

export interface ServicePlace {
  readonly platform: NodeJS.Platform;
  readonly home: string;
  readonly userName: string;
  readonly userId: number;
  /** XDG_CONFIG_HOME, where it is set. */
  readonly configHome: string | undefined;
  /** Keephold's own. */
  readonly stateFolder: string;
  /** USERDOMAIN, on Windows. */
  readonly domain: string | undefined;
  /** For the programs of the manager. */
  readonly variables: NodeJS.ProcessEnv;
  readonly readsEverything: boolean;
}

/** @throws ServiceError `no-manager` */
export function thisServiceManager(place: ServicePlace): ServiceManager {
  const { platform, home, userName, userId, readsEverything } = place;
  const run = systemCommands(place.variables);
  if (platform === 'linux') {
    const systemd = { run, userName, configHome: place.configHome ?? join(home, '.config') };
    return readsEverything ? systemSystemd(systemd, { isRoot: userId === 0 }) : userSystemd(systemd);
  }
  if (readsEverything) throw noSuchRight(platform);
  if (platform === 'darwin') return launchd({ run, home, userId });
  if (platform === 'win32') {
    const user = place.domain === undefined ? userName : `${place.domain}\\${userName}`;
    return taskScheduler({ run, user, folder: place.stateFolder });
  }
  throw new ServiceError(
    'no-manager',
    `install the agent: how ${platform} starts programs is not known here`,
    'have it start keephold agent as you, or use a line of cron: @reboot keephold agent',
  );
}

function noSuchRight(platform: NodeJS.Platform): ServiceError {
  const hint =
    platform === 'darwin'
      ? 'on macOS give Full Disk Access to the program in System Settings, Privacy & Security'
      : 'install it without --read-everything';
  return new ServiceError('no-manager', 'install the agent: the right to read everything exists on Linux only', hint);
}
