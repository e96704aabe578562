/** A D-Bus daemon of our own with the mock services of python-dbusmock, steered over the same bus. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient, type Message, type MessageBus, messageType, Variant } from 'dbus-native';

const python = '/usr/bin/python3';

function succeeds(program: string, ...args: readonly string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}

export const hasMock: boolean =
  process.platform === 'linux' &&
  succeeds('dbus-daemon', '--version') &&
  succeeds('systemd-inhibit', '--version') &&
  succeeds(python, '-c', 'import dbusmock, gi');
export const mockNote: string = hasMock ? '' : ' (skipped: needs python3-dbusmock, dbus-daemon and systemd-inhibit)';

export type Template = 'upower' | 'networkmanager' | 'logind' | 'notification_daemon';

/** Name, main object, main interface. */
const objects = {
  upower: ['org.freedesktop.UPower', '/org/freedesktop/UPower', 'org.freedesktop.UPower'],
  networkmanager: [
    'org.freedesktop.NetworkManager',
    '/org/freedesktop/NetworkManager',
    'org.freedesktop.NetworkManager',
  ],
  logind: ['org.freedesktop.login1', '/org/freedesktop/login1', 'org.freedesktop.login1.Manager'],
  notification_daemon: [
    'org.freedesktop.Notifications',
    '/org/freedesktop/Notifications',
    'org.freedesktop.Notifications',
  ],
} as const;

/** A value with its type in D-Bus. */
interface Typed {
  readonly signature: string;
  readonly value: unknown;
}

/** A method of the mock, with its signature and arguments; on the main object unless a path is given. */
interface Steering {
  readonly template: Template;
  readonly path?: string;
  readonly interface?: string;
  readonly method: string;
  readonly signature?: string;
  readonly body?: readonly unknown[];
}

export class MockBus implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'keephold-bus-'));
  readonly address: string = `unix:path=${join(this.#folder, 'bus')}`;
  readonly #services = new Map<Template, ChildProcess>();
  #daemon: ChildProcess | undefined;
  #client: MessageBus | undefined;

  async startDaemon(): Promise<void> {
    const args = ['--session', '--nofork', '--nopidfile', `--address=${this.address}`, '--print-address'];
    this.#daemon = spawn('dbus-daemon', args, { stdio: ['ignore', 'pipe', 'ignore'] });
    if (this.#daemon.stdout !== null) await once(this.#daemon.stdout, 'data');
    this.#client = createClient({ busAddress: this.address, authMethods: ['EXTERNAL'] });
    this.#client.connection.on('error', () => undefined);
  }

  async stopDaemon(): Promise<void> {
    await Promise.all([...this.#services.values(), this.#daemon].map(end));
    this.#services.clear();
  }

  async start(template: Template): Promise<void> {
    const env = { ...process.env, DBUS_SYSTEM_BUS_ADDRESS: this.address, DBUS_SESSION_BUS_ADDRESS: this.address };
    const service = spawn(python, ['-m', 'dbusmock', '--template', template], { env, stdio: 'ignore' });
    this.#services.set(template, service);
    const [name] = objects[template];
    await this.#appeared(name);
  }

  async stop(template: Template): Promise<void> {
    await end(this.#services.get(template));
    this.#services.delete(template);
  }

  steer({ template, path, method, signature, body, ...how }: Steering): Promise<unknown> {
    const [destination, main] = objects[template];
    if (this.#client === undefined) throw new Error('the mock bus has not been started');
    const message = {
      destination,
      path: path ?? main,
      interface: how.interface ?? 'org.freedesktop.DBus.Mock',
      member: method,
      ...(signature !== undefined && { signature, body: [...(body ?? [])] }),
    };
    return Promise.resolve(this.#client.invoke(message));
  }

  /** The arguments of the first call of a method of a service, which may have been or is to come. */
  async nextCall(template: Template, method: string): Promise<readonly unknown[]> {
    if (this.#client === undefined) throw new Error('the mock bus has not been started');
    // The mock signals every call that it gets.
    const rule = `type='signal',interface='org.freedesktop.DBus.Mock',member='MethodCalled'`;
    await using _watch = await this.#client.watch(rule);
    const asked = { template, method: 'GetMethodCalls', signature: 's', body: [method] };
    return await afterSignals(this.#client, async () => {
      const [call] = (await this.steer(asked)) as readonly (readonly [bigint, readonly unknown[]])[];
      return call?.[1];
    });
  }

  /** With the signal that tells of it; of the main object unless a path and an interface are given. */
  setProperty(
    template: Template,
    name: string,
    { signature, value, ...at }: Typed & { readonly path?: string; readonly interface?: string },
  ): Promise<unknown> {
    const body = [at.interface ?? objects[template][2], { [name]: new Variant(signature, value) }];
    const path = at.path === undefined ? {} : { path: at.path };
    return this.steer({ template, ...path, method: 'UpdateProperties', signature: 'sa{sv}', body });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopDaemon();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #appeared(name: string): Promise<void> {
    const client = this.#client;
    if (client === undefined) throw new Error('the mock bus has not been started');
    const asked = { member: 'NameHasOwner', signature: 's', body: [name] };
    await using _watch = await client.watch(
      `type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='${name}'`,
    );
    await afterSignals(client, async () => (await client.invokeDbus<boolean>(asked)) || undefined);
    // The name comes before the objects do.
    await client.invoke({ destination: name, path: '/', interface: 'org.freedesktop.DBus.Peer', member: 'Ping' });
  }
}

/**
 * Asks until there is an answer, again after each signal. The signal may come right behind the answer that there is none
 * yet, before anything else runs: it is listened for from before the question.
 */
async function afterSignals<T>(client: MessageBus, ask: () => Promise<T | undefined>): Promise<T> {
  let signal = Promise.withResolvers<void>();
  const onMessage = ({ type }: Message): void => {
    if (type === messageType.signal) signal.resolve();
  };
  client.connection.on('message', onMessage);
  try {
    for (;;) {
      signal = Promise.withResolvers();
      const answer = await ask();
      if (answer !== undefined) return answer;
      await signal.promise;
    }
  } finally {
    client.connection.removeListener('message', onMessage);
  }
}

async function end(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const over = once(child, 'exit');
  child.kill('SIGKILL');
  await over;
}
