/** systemd: the manager of the user's own services, or the system's for an agent that may read everything. */
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { AgentService, RunCommand, ServiceManager, Unreachable } from './agent-service.ts';
import { readDefinition, removeEmpty, writeDefinition } from './definition-file.ts';
import { ServiceError } from './errors.ts';
import { mustRun } from './run-command.ts';
import { systemdUnit } from './systemd-unit.ts';

export interface SystemdPlace {
  readonly run: RunCommand;
  /** Where the settings of programs lie: XDG_CONFIG_HOME. */
  readonly configHome: string;
  readonly userName: string;
}

const UNIT = 'keephold-agent.service';
const MANAGER = 'systemd';

export function userSystemd({ run, configHome, userName }: SystemdPlace): ServiceManager {
  const folder = join(configHome, 'systemd', 'user');
  const file = join(folder, UNIT);
  const wants = join(folder, 'default.target.wants');
  const systemctl = async (does: string, ...args: readonly string[]): Promise<string> =>
    await mustRun(run, { manager: MANAGER, does }, ['systemctl', '--user', ...args]);
  return {
    name: MANAGER,
    isTried: true,
    file,
    takesChangesWhileRunning: true,
    definition: (service: AgentService) => new TextEncoder().encode(systemdUnit(service, { user: undefined })),
    async write(definition) {
      await requireSystemd(run);
      writeDefinition(file, definition);
      // What `systemctl enable` does: without a manager it can be done as well, and holds from the next sign-in on.
      mkdirSync(wants, { recursive: true });
      rmSync(join(wants, UNIT), { force: true });
      symlinkSync(file, join(wants, UNIT));
    },
    read: () => readDefinition(file),
    async remove() {
      rmSync(join(wants, UNIT), { force: true });
      rmSync(file, { force: true });
      removeEmpty([wants, folder, dirname(folder)]);
      if ((await this.unreachable()) !== undefined) return;
      await this.reload();
      // Of one that failed the manager keeps the memory.
      await run('systemctl', ['--user', 'reset-failed', UNIT]);
    },
    async unreachable() {
      const { code } = await run('systemctl', ['--user', 'show', '--property=Version']);
      return code === 0 ? undefined : noUserManager(userName);
    },
    isRunning: async () => (await run('systemctl', ['--user', 'is-active', '--quiet', UNIT])).code === 0,
    reload: async () => void (await systemctl('read the unit', 'daemon-reload')),
    start: async () => void (await systemctl('start the agent', 'restart', UNIT)),
    async stop() {
      if (readDefinition(file) !== undefined) await systemctl('stop the agent', 'stop', UNIT);
    },
  };
}

/** Of the system's manager: only root may write there, so that each step is one of sudo, unless this is root. */
export function systemSystemd(
  { run, userName }: SystemdPlace,
  { isRoot }: { readonly isRoot: boolean },
): ServiceManager {
  const unit = `keephold-agent-${userName}.service`;
  const file = join('/etc/systemd/system', unit);
  const asRoot = async (does: string, command: readonly [string, ...string[]], input?: Uint8Array): Promise<void> => {
    const [program, ...args] = isRoot ? command : (['sudo', ...command] as const);
    const { code, output } = await run(program, args, input);
    if (code === 0) return;
    const hint = `as root, with what keephold agent install --read-everything would write: ${command.join(' ')}`;
    throw new ServiceError('refused', `${does}: ${output === '' ? `${program} ended with ${code}` : output}`, hint);
  };
  return {
    name: MANAGER,
    isTried: true,
    file,
    takesChangesWhileRunning: true,
    definition: (service: AgentService) => new TextEncoder().encode(systemdUnit(service, { user: userName })),
    async write(definition) {
      await requireSystemd(run);
      await asRoot('write the unit', ['install', '-m', '644', '/dev/stdin', file], definition);
    },
    read: () => readDefinition(file),
    async remove() {
      if (readDefinition(file) === undefined) return;
      await asRoot('disable the unit', ['systemctl', 'disable', unit]);
      await asRoot('remove the unit', ['rm', '-f', file]);
      await this.reload();
      await run('systemctl', ['reset-failed', unit]);
    },
    async unreachable() {
      const { code } = await run('systemctl', ['show', '--property=Version']);
      if (code === 0) return undefined;
      return { message: 'systemd does not run here', hint: 'start the machine with systemd' };
    },
    isRunning: async () => (await run('systemctl', ['is-active', '--quiet', unit])).code === 0,
    reload: async () => await asRoot('read the unit', ['systemctl', 'daemon-reload']),
    async start() {
      await asRoot('enable the unit', ['systemctl', 'enable', unit]);
      await asRoot('start the agent', ['systemctl', 'restart', unit]);
    },
    async stop() {
      if (readDefinition(file) !== undefined) await asRoot('stop the agent', ['systemctl', 'stop', unit]);
    },
  };
}

async function requireSystemd(run: RunCommand): Promise<void> {
  if ((await run('systemctl', ['--version'])).code !== undefined) return;
  throw new ServiceError(
    'no-manager',
    'install the agent: there is no systemd here',
    'have the init system of this machine start keephold agent as you, or a line of cron: @reboot keephold agent',
  );
}

function noUserManager(userName: string): Unreachable {
  return {
    message: `systemd has no manager for the services of ${userName} now`,
    hint: `sudo loginctl enable-linger ${userName} starts one, and the agent with it, now and whenever the machine starts`,
  };
}
