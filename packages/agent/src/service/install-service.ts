/** Installs the agent as a service and takes it away again, whatever the system. */
import type { AgentService, ServiceManager, Unreachable } from './agent-service.ts';
import { ServiceError } from './errors.ts';

export interface InstallParts {
  readonly manager: ServiceManager;
  /** Whether an agent of this user answers. */
  readonly isAnswering: () => Promise<boolean>;
  /** Tells the agent that runs to end after the backup that is going, and to be started again; whether one was told. */
  readonly renew: () => Promise<boolean>;
  readonly wait: (milliseconds: number) => Promise<void>;
}

export type Installed =
  /** It was started and answers. */
  | { readonly kind: 'started' }
  /** It runs as it was installed before, and is started again as it is installed now when no backup is going. */
  | { readonly kind: 'renews' }
  /** It starts when the user signs in next. */
  | { readonly kind: 'later'; readonly why: Unreachable };

const ANSWERS_WITHIN = 20_000;
const ASKED_EVERY = 100;

/** @throws ServiceError */
export async function installService(parts: InstallParts, service: AgentService): Promise<Installed> {
  const { manager } = parts;
  const definition = manager.definition(service);
  const before = manager.read();
  const isSame = before !== undefined && Buffer.compare(before, definition) === 0;
  await manager.write(definition);
  const why = await manager.unreachable();
  if (why !== undefined) return { kind: 'later', why };
  const isKept = before !== undefined && (isSame || manager.takesChangesWhileRunning) && (await manager.isRunning());
  if (isKept) {
    if (!isSame) await manager.reload();
    if (await parts.renew()) return { kind: 'renews' };
  }
  await manager.reload();
  await manager.start();
  await answered(parts);
  return { kind: 'started' };
}

/** Whether there was anything to take away. @throws ServiceError */
export async function uninstallService({ manager }: Pick<InstallParts, 'manager'>): Promise<boolean> {
  if (manager.read() === undefined) return false;
  if ((await manager.unreachable()) === undefined) await manager.stop();
  await manager.remove();
  return true;
}

async function answered({ isAnswering, wait, manager }: InstallParts): Promise<void> {
  for (let waited = 0; waited < ANSWERS_WITHIN; waited += ASKED_EVERY) {
    if (await isAnswering()) return;
    await wait(ASKED_EVERY);
  }
  throw new ServiceError(
    'not-answering',
    `start the agent: ${manager.name} started it, and it does not answer`,
    'keephold agent log says what it said last; keephold agent uninstall takes it away',
  );
}
