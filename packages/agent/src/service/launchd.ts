/** launchd of macOS: an agent of the user's session. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { RunCommand, ServiceManager } from './agent-service.ts';
import { readDefinition, writeDefinition } from './definition-file.ts';
import { LAUNCHD_LABEL, launchdPlist } from './launchd-plist.ts';
import { mustRun } from './run-command.ts';

export interface LaunchdPlace {
  readonly run: RunCommand;
  readonly home: string;
  readonly userId: number;
}

const MANAGER = 'launchd';

export function launchd({ run, home, userId }: LaunchdPlace): ServiceManager {
  const file = join(home, 'Library', 'LaunchAgents', `${LAUNCHD_LABEL}.plist`);
  const session = `gui/${userId}`;
  const service = `${session}/${LAUNCHD_LABEL}`;
  const isLoaded = async (): Promise<boolean> => (await run('launchctl', ['print', service])).code === 0;
  const unload = async (): Promise<void> => {
    if (!(await isLoaded())) return;
    await mustRun(run, { manager: MANAGER, does: 'stop the agent' }, ['launchctl', 'bootout', service]);
  };
  return {
    name: MANAGER,
    isTried: false,
    file,
    // A job that is loaded keeps the definition that it was loaded with.
    takesChangesWhileRunning: false,
    definition: (agent) => new TextEncoder().encode(launchdPlist(agent)),
    write: async (definition) => await Promise.resolve(writeDefinition(file, definition)),
    read: () => readDefinition(file),
    remove: async () => await Promise.resolve(rmSync(file, { force: true })),
    async unreachable() {
      if ((await run('launchctl', ['print', session])).code === 0) return undefined;
      return {
        message: 'there is no session on the desktop of this Mac now',
        hint: 'the agent starts when you sign in at the Mac itself',
      };
    },
    async isRunning() {
      const { code, output } = await run('launchctl', ['print', service]);
      return code === 0 && /^\s*state = running$/m.test(output);
    },
    reload: unload,
    start: async () => {
      // It runs when it is loaded.
      await mustRun(run, { manager: MANAGER, does: 'start the agent' }, ['launchctl', 'bootstrap', session, file]);
    },
    stop: unload,
  };
}
