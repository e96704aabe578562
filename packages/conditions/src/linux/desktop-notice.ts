/** A notice on the user's desktop: https://specifications.freedesktop.org/notification-spec/ */
import { Variant } from 'dbus-native';
import { connect, hangUp, timeout } from './bus-client.ts';

export interface Notice {
  readonly title: string;
  /** Plain text. */
  readonly text: string;
  /** What an earlier notice was called: this one takes its place. */
  readonly replaces?: number | undefined;
}

const service = {
  destination: 'org.freedesktop.Notifications',
  path: '/org/freedesktop/Notifications',
  interface: 'org.freedesktop.Notifications',
};
/** It stays until somebody looks at it. */
const CRITICAL = 2;

/** What it is called, for the next one; nothing when no desktop could be told. */
export async function showDesktopNotice(
  sessionBus: string,
  { title, text, replaces = 0 }: Notice,
): Promise<number | undefined> {
  const client = await connect(sessionBus);
  if (client === undefined) return undefined;
  try {
    const hints = { urgency: new Variant('y', CRITICAL) };
    const body = ['Keephold', replaces, '', title, withoutMarkup(text), [], hints, -1];
    const notify = { ...service, member: 'Notify', signature: 'susssasa{sv}i', body };
    const id = await client.invoke<unknown>(notify, { timeout });
    return typeof id === 'number' ? id : undefined;
  } catch {
    return undefined;
  } finally {
    hangUp(client);
  }
}

/** Desktops may read the text as markup. */
function withoutMarkup(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
