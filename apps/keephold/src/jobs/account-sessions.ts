/** `keephold account sessions` and `end`: what the password or the words have opened on a server. */
import { toHex } from '@keephold/bytes';
import { type AccountSession, endSessionOn, HttpError, sessionsOf } from '@keephold/client';
import { DeviceStore } from '../access/device-store.ts';
import type { ServerCustody } from '../access/server-custody.ts';
import { requireOwner } from '../access/unlock.ts';
import type { Context } from '../context.ts';
import { CommandError, exitCodes } from '../errors.ts';
import { printable } from '../terminal/printable.ts';
import { formatTable } from '../terminal/text-table.ts';
import { counted, formatClock } from '../terminal/units.ts';

export async function tellSessions(context: Context, custody: ServerCustody): Promise<void> {
  const { out, environment } = context;
  const role = new DeviceStore(environment, custody.account.accountId).load()?.role;
  if (role !== 'trusted') await requireOwner(context, custody, 'on this device the sessions need the password');
  const sessions = await sessionsOf(custody.transport);
  for (const { sessionId, openedAt, expiresAt, ...session } of sessions) {
    const times = { openedAt: new Date(openedAt).toISOString(), expiresAt: new Date(expiresAt).toISOString() };
    await out.record({ type: 'session', id: toHex(sessionId), ...session, ...times });
  }
  const rows = sessions.map(({ sessionId, method, openedAt, from, isThis }) => [
    toHex(sessionId).slice(0, 8),
    formatClock(openedAt),
    method === 'words' ? '24 recovery words' : method,
    printable(from),
    isThis ? 'this one' : '',
  ]);
  if (sessions.length === 0) await out.result('nobody is signed in with the password or the words');
  else await out.result(formatTable({ headings: ['ID', 'Since', 'By', 'From', ''], rows }).trimEnd());
}

/** `which`: the beginning of an id, or `all`. */
export async function endAccountSessions(context: Context, custody: ServerCustody, which: string): Promise<void> {
  await requireOwner(context, custody, 'ending a session needs the password');
  const others = (await sessionsOf(custody.transport)).filter(({ isThis }) => !isThis);
  const wanted = which === 'all' ? others : [findSession(others, which)];
  for (const { sessionId } of wanted) {
    if (await endIfThere(custody, sessionId)) await context.out.record({ type: 'session-ended', id: toHex(sessionId) });
  }
  await context.out.result(`ended ${counted(wanted.length, 'session')}`);
}

/** False: it was over before. */
async function endIfThere({ transport }: ServerCustody, sessionId: Uint8Array): Promise<boolean> {
  try {
    await endSessionOn(transport, sessionId);
    return true;
  } catch (error) {
    if (error instanceof HttpError && error.problem === 'not-found') return false;
    throw error;
  }
}

function findSession(sessions: readonly AccountSession[], id: string): AccountSession {
  const isId = /^[0-9a-f]{4,32}$/i.test(id);
  const found = sessions.filter(({ sessionId }) => isId && toHex(sessionId).startsWith(id.toLowerCase()));
  const [only, ...more] = found;
  if (only !== undefined && more.length === 0) return only;
  throw new CommandError(`${only === undefined ? 'no' : 'more than one'} session has an id that begins with "${id}"`, {
    code: 'no-such-session',
    exitCode: exitCodes.failed,
    hint: 'keephold account sessions shows them',
  });
}
