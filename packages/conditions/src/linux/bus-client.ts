/** A connection to a bus, bounded in the size of messages and in how long anything may take. */
import { createClient, type MessageBus } from 'dbus-native';

// Answers of the services that are asked have some kilobytes.
const maxMessageSize = 1 << 20;
/** Milliseconds: a service that takes longer hangs. */
export const timeout = 2000;

/** Nothing when nobody is there, or nobody who lets this user in. */
export function connect(busAddress: string): Promise<MessageBus | undefined> {
  return new Promise((resolve) => {
    let client: MessageBus;
    try {
      client = createClient({ busAddress, maxMessageSize, timeout, authMethods: ['EXTERNAL'] });
    } catch {
      resolve(undefined);
      return;
    }
    const late = setTimeout(() => client.connection.stream.destroy(), timeout);
    // The close that follows is what counts.
    client.connection.on('error', () => client.connection.stream.destroy());
    client.connection.on('close', () => settle());
    client.connection.on('connect', () => settle(client));
    function settle(connected?: MessageBus): void {
      clearTimeout(late);
      resolve(connected);
    }
  });
}

/** At once: who is at the other end may never close it. */
export function hangUp(client: MessageBus): void {
  client.connection.end();
  client.connection.stream.destroy();
}
