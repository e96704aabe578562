/** `keephold agent install` and `uninstall`: the agent as a service that the system starts, and nothing of it any more. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import {
  AgentError,
  type AgentService,
  type Installed,
  installService,
  ServiceError,
  type ServiceManager,
  thisServiceManager,
  uninstallService,
} from '@keephold/agent';
import type { Context } from '../context.ts';
import { variablesWith } from '../environment.ts';
import { CommandError, exitCodes } from '../errors.ts';
import { readPlans } from '../plans/plan-file.ts';
import { printable } from '../terminal/printable.ts';
import { AgentFolder } from './agent-folder.ts';
import { askThisAgent } from './reach-agent.ts';
import { thisCommand } from './this-command.ts';

export async function installAgent(context: Context, readsEverything: boolean): Promise<void> {
  const { environment, out } = context;
  const manager = managerOf(context, readsEverything);
  const other = managers(context).find((one) => one.file !== manager.file && one.read() !== undefined);
  if (other !== undefined)
    throw new CommandError(`the agent is installed ${readsEverything ? 'without' : 'with'} --read-everything`, {
      code: 'agent-installed',
      exitCode: exitCodes.failed,
      hint: 'keephold agent uninstall takes it away first',
    });
  const folder = new AgentFolder(environment);
  folder.make();
  const isForeign = manager.read() === undefined && (await asked(folder, 'status'));
  const parts = {
    manager,
    isAnswering: async () => await asked(folder, 'status'),
    renew: async () => await asked(folder, 'renew'),
    wait: async (milliseconds: number) => await wait(milliseconds),
  };
  const installed = await explained(async () => await installService(parts, serviceOf(context, readsEverything)));
  await tellInstalled(context, manager, installed);
  if (isForeign) out.warn('an agent was running already, and this one waits for it to end');
  if (readPlans(environment).length === 0) out.note('there is no plan yet; keephold plan add NAME makes one');
}

export async function uninstallAgent(context: Context): Promise<void> {
  const { out } = context;
  let wasThere = false;
  for (const manager of managers(context))
    wasThere = (await explained(() => uninstallService({ manager }))) || wasThere;
  new AgentFolder(context.environment).log.remove();
  const message = wasThere
    ? 'the agent is no longer installed; plans, and what is known of their backups, stay'
    : 'the agent is not installed';
  await out.answer(message, { type: 'agent-uninstalled', wasInstalled: wasThere });
}

function serviceOf({ environment }: Context, readsEverything: boolean): AgentService {
  const { program, args } = thisCommand();
  // Of one that outlives the session, the socket must not go with it.
  const variables = { ...environment.agentVariables, ...(readsEverything && { XDG_RUNTIME_DIR: '' }) };
  return { program, args: [...args, 'agent', '--service'], variables };
}

/** All that may have been installed here. */
function managers(context: Context): readonly ServiceManager[] {
  return process.platform === 'linux'
    ? [managerOf(context, false), managerOf(context, true)]
    : [managerOf(context, false)];
}

function managerOf({ environment }: Context, readsEverything: boolean): ServiceManager {
  const { home, userName, configHome, domain, folders, runtimeFolder } = environment;
  if (userName === undefined)
    throw new CommandError('the system has no name for the user who runs this', {
      code: 'no-user',
      exitCode: exitCodes.failed,
    });
  const variables = variablesWith(runtimeFolder === undefined ? {} : { XDG_RUNTIME_DIR: runtimeFolder });
  const place = { home, userName, configHome, domain, variables, readsEverything, stateFolder: folders.state };
  return raised(() => thisServiceManager({ ...place, platform: process.platform, userId: process.getuid?.() ?? 0 }));
}

async function tellInstalled(
  { environment, out }: Context,
  manager: ServiceManager,
  installed: Installed,
): Promise<void> {
  const { name, file, isTried } = manager;
  const record = { type: 'agent-installed', manager: name, file, state: installed.kind };
  const where = `${printable(file)}`;
  switch (installed.kind) {
    case 'started':
      await out.answer(`the agent is installed and runs: ${where}`, record);
      break;
    case 'renews':
      await out.answer(`the agent is installed: ${where}; the one that runs is replaced between two backups`, record);
      break;
    case 'later':
      await out.answer(`the agent is installed and does not run yet: ${where}`, {
        ...record,
        why: installed.why.message,
      });
      out.warn(`${installed.why.message}; the agent starts when you sign in next`);
      out.note(installed.why.hint);
  }
  if (!isTried) out.warn(`this has not yet been tried with ${name} on a real machine: please tell how it went`);
  const { userName = '' } = environment;
  const isForSession = manager.name === 'systemd' && !file.startsWith('/etc/') && installed.kind !== 'later';
  if (isForSession && !existsSync(join('/var/lib/systemd/linger', userName)))
    out.note(`it runs while you are signed in; sudo loginctl enable-linger ${userName} has it run always`);
}

/** Whether an agent answers; one that is starting, or of another version, may not. */
async function asked(folder: AgentFolder, request: 'status' | 'renew'): Promise<boolean> {
  try {
    return (await askThisAgent(folder, request)) !== undefined;
  } catch (error) {
    if (error instanceof AgentError && error.code === 'no-answer') return false;
    throw error;
  }
}

function raised<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw commandError(error);
  }
}

async function explained<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw commandError(error);
  }
}

function commandError(error: unknown): unknown {
  if (!(error instanceof ServiceError)) return error;
  const { code, hint, message } = error;
  return new CommandError(message, { code: `service-${code}`, exitCode: exitCodes.failed, hint, cause: error });
}
