/** The Task Scheduler of Windows. The definition is kept beside Keephold's own files, to see what was installed. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { RunCommand, ServiceManager } from './agent-service.ts';
import { readDefinition, writeDefinition } from './definition-file.ts';
import { mustRun } from './run-command.ts';
import { taskXml, utf16 } from './task-xml.ts';

export interface TaskPlace {
  readonly run: RunCommand;
  /** DOMAIN\NAME */
  readonly user: string;
  /** Keephold's own state. */
  readonly folder: string;
}

const MANAGER = 'Task Scheduler';
const TASK = 'Keephold agent';

export function taskScheduler({ run, user, folder }: TaskPlace): ServiceManager {
  const file = join(folder, 'agent-task.xml');
  const schtasks = async (does: string, ...args: readonly string[]): Promise<string> =>
    await mustRun(run, { manager: MANAGER, does }, ['schtasks', ...args]);
  const isThere = async (): Promise<boolean> => (await run('schtasks', ['/Query', '/TN', TASK])).code === 0;
  return {
    name: MANAGER,
    isTried: false,
    file,
    takesChangesWhileRunning: true,
    definition: (service) => utf16(taskXml(service, user)),
    write: async (definition) => await Promise.resolve(writeDefinition(file, definition)),
    read: () => readDefinition(file),
    async remove() {
      if (await isThere()) await schtasks('remove the task', '/Delete', '/TN', TASK, '/F');
      rmSync(file, { force: true });
    },
    unreachable: async () => await Promise.resolve(undefined),
    async isRunning() {
      const { code, output } = await run('schtasks', ['/Query', '/TN', TASK, '/FO', 'CSV', '/NH']);
      // In the language of the system: of a table only that it is no other word than the usual ones tells nothing.
      return code === 0 && /"Running"/i.test(output);
    },
    reload: async () => void (await schtasks('make the task', '/Create', '/TN', TASK, '/XML', file, '/F')),
    start: async () => void (await schtasks('start the agent', '/Run', '/TN', TASK)),
    async stop() {
      if (await isThere()) await schtasks('stop the agent', '/End', '/TN', TASK);
    },
  };
}
