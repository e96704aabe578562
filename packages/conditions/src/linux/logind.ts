/** The sessions of this user as logind has them: org.freedesktop.login1(5). */
import type { SessionReading } from '../readings.ts';
import type { BusObject, SystemBus } from './system-bus.ts';

const service = 'org.freedesktop.login1';
export const logindPath = '/org/freedesktop/login1';
const manager: BusObject = { service, path: logindPath, interface: `${service}.Manager` };

export const logindMatches: readonly string[] = [
  `type='signal',sender='${service}',path='${logindPath}'`,
  `type='signal',sender='${service}',path_namespace='${logindPath}/session'`,
];

// People sit before fewer; what else there is is asked in vain.
const mostSessions = 32;

/** Idle means that every session is idle or locked, also when there is none. Nothing when logind is not there. */
export async function readLogind(bus: SystemBus, userId: number): Promise<SessionReading | undefined> {
  const listed = await bus.call(manager, 'ListSessions');
  if (!Array.isArray(listed)) return undefined;
  const paths = listed.flatMap((session) => sessionPath(session, userId)).slice(0, mostSessions);
  const sessions = (await Promise.all(paths.map((path) => readSession(bus, path)))).filter((one) => one !== undefined);
  return {
    isIdle: sessions.every(({ isIdle, isLocked }) => isIdle || isLocked),
    isLocked: sessions.length > 0 && sessions.every(({ isLocked }) => isLocked),
  };
}

/** Of (session id, user id, user name, seat id, path). */
function sessionPath(session: unknown, userId: number): string[] {
  if (!Array.isArray(session)) return [];
  const [, user, , , path] = session as unknown[];
  return user === userId && typeof path === 'string' ? [path] : [];
}

/** Nothing when nobody sits there, or the session has ended meanwhile. */
async function readSession(bus: SystemBus, path: string): Promise<Required<SessionReading> | undefined> {
  const session = await bus.properties({ service, path, interface: `${service}.Session` });
  // Services and the manager of a user's units have sessions too.
  const isPerson = typeof session?.['Class'] === 'string' && session['Class'].startsWith('user');
  if (!isPerson || session['State'] === 'closing') return undefined;
  return { isIdle: session['IdleHint'] === true, isLocked: session['LockedHint'] === true };
}
