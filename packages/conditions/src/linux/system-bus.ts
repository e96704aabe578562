/**
 * The system bus, as far as readings need it: properties and calls that answer with nothing when a service is not there,
 * and word that something changed. What is behind the bus is hostile: messages are bounded, signals are only a reason to
 * ask again, and only the owner of a service's name can answer what is asked of that name.
 */
import { type Message, type MessageBus, messageType } from 'dbus-native';
import { Backoff } from './backoff.ts';
import { connect, hangUp, timeout } from './bus-client.ts';

/** An object of a service, seen through one of its interfaces. */
export interface BusObject {
  readonly service: string;
  readonly path: string;
  readonly interface: string;
}

export type Properties = Readonly<Record<string, unknown>>;

export interface SystemBus extends Disposable {
  /** Nothing when there is no bus, no such object, or no answer in time. */
  properties(object: BusObject): Promise<Properties | undefined>;
  /** The one result of a method without arguments; nothing as above. */
  call(object: BusObject, method: string): Promise<unknown>;
}

interface Options {
  readonly address: string;
  /** Match rules of the signals that are wanted. */
  readonly matches: readonly string[];
  /** A signal that was asked for came from this object, or the bus is there (again) or gone: then nothing is said. */
  onChange(path?: string): void;
}

// Milliseconds between two attempts at a bus that is not there.
const longestWait = 60_000;
// Asking must start nothing on a machine that runs without it.
const NO_AUTO_START = 2;

/** Waits until the bus is reached, or is known not to be there. */
export async function openSystemBus(options: Options): Promise<SystemBus> {
  const bus = new ReconnectingBus(options);
  await bus.dial();
  return bus;
}

class ReconnectingBus implements SystemBus {
  readonly #options: Options;
  readonly #backoff = new Backoff({ first: 1000, most: longestWait });
  #client: MessageBus | undefined;
  #since = 0;
  #isOver = false;

  constructor(options: Options) {
    this.#options = options;
  }

  async dial(): Promise<void> {
    const client = await connect(this.#options.address);
    if (client === undefined || this.#isOver) return client === undefined ? this.#dialAgain() : hangUp(client);
    this.#client = client;
    this.#since = performance.now();
    client.connection.on('close', () => this.#lost(client));
    client.connection.on('message', (message: Message) => this.#heard(message));
    await Promise.all(this.#options.matches.map((match) => subscribe(client, match)));
  }

  async properties(object: BusObject): Promise<Properties | undefined> {
    const properties = { ...object, interface: 'org.freedesktop.DBus.Properties' };
    const answer = await this.#invoke(properties, { member: 'GetAll', signature: 's', body: [object.interface] });
    return typeof answer === 'object' && answer !== null && !Array.isArray(answer) ? (answer as Properties) : undefined;
  }

  call(object: BusObject, method: string): Promise<unknown> {
    return this.#invoke(object, { member: method });
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#backoff.stop();
    const client = this.#client;
    this.#client = undefined;
    if (client !== undefined) hangUp(client);
  }

  async #invoke({ service, path, interface: of }: BusObject, message: Message): Promise<unknown> {
    try {
      const call = { destination: service, path, interface: of, flags: NO_AUTO_START, ...message };
      return await this.#client?.invoke<unknown>(call, { timeout });
    } catch {
      return undefined;
    }
  }

  #heard({ type, path }: Message): void {
    if (type === messageType.signal && path !== undefined) this.#options.onChange(path);
  }

  #lost(client: MessageBus): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    // One that is lost as soon as it is there is no reason to hurry: a service may answer in a way that ends it.
    if (performance.now() - this.#since > longestWait) this.#backoff.reset();
    this.#options.onChange();
    this.#dialAgain();
  }

  #dialAgain(): void {
    if (this.#isOver) return;
    this.#backoff.next(() => {
      void this.dial().then(() => {
        if (this.#client !== undefined) this.#options.onChange();
      });
    });
  }
}

async function subscribe(client: MessageBus, match: string): Promise<void> {
  const rule = { member: 'AddMatch', signature: 's', body: [match] };
  // Without its signals a reading is still polled.
  await client.invokeDbus(rule, { timeout }).catch(() => undefined);
}
