/**
 * Messages on their way, for processes that share the sending. Each is sent at least once: whoever takes one has it until
 * its lease ends, and it goes when it was sent. A receiver tells a second copy by its id. What cannot be sent is tried
 * again, ever more rarely, for three days.
 */
import { fromHex, toHex, utf8Encode } from '@keephold/bytes';
import { bytesAt, numberAt, type Sql, SqlError, type SqlRow } from '@keephold/custody/sql';
import type { AccountId } from '@keephold/protocol';
import type { AccountsSurroundings } from '../surroundings.ts';
import type { Notice } from './notice.ts';

export const CHANNELS = ['mail', 'webhook', 'ntfy'] as const;
export type Channel = (typeof CHANNELS)[number];

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const LEASE = 5 * MINUTE;
const LONGEST_PAUSE = 6 * 60 * MINUTE;
const LIFETIME = 3 * DAY;
/** In all; what is told then waits until others are gone. */
export const MOST_MESSAGES = 10_000;

export interface Message {
  /** Hex; the same at every try. */
  readonly id: string;
  readonly channel: Channel;
  /** An address; '' for what the server has one of. */
  readonly target: string;
  /** What the owner signs in with. */
  readonly account: string;
  readonly notice: Notice;
  /** Unix milliseconds. */
  readonly madeAt: number;
  readonly tries: number;
}

export interface NewMessage {
  readonly accountId: AccountId;
  readonly channel: Channel;
  readonly target: string;
  readonly notice: Notice;
  readonly now: number;
  readonly random: (length: number) => Uint8Array;
}

export async function addMessage(sql: Sql, message: NewMessage): Promise<void> {
  const { accountId, channel, target, notice, now, random } = message;
  await sql.query(
    `INSERT INTO message (message_id, account_id, channel, target, detail, made_at, due_at, leased_until, tries)
      VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0)`,
    ...[random(16), accountId, channel, target, JSON.stringify(notice), now, now],
  );
}

/** Those that are due for longest, of channels that the caller has. */
export async function takeMessages(
  { database, now }: AccountsSurroundings,
  { channels, most }: { readonly channels: readonly Channel[]; readonly most: number },
): Promise<readonly Message[]> {
  if (channels.length === 0 || !(await isAnyDue(database, now()))) return [];
  return await database.exclusive(utf8Encode('take messages'), async (sql) => {
    const time = now();
    const rows = await sql.query(
      `SELECT message.message_id, message.channel, message.target, account.name, message.detail, message.made_at,
        message.tries FROM message JOIN account ON account.account_id = message.account_id
        WHERE message.due_at <= ? AND message.leased_until <= ?
        AND message.channel IN (${channels.map(() => '?').join(', ')}) ORDER BY message.due_at LIMIT ?`,
      ...[time, time, ...channels, most],
    );
    const taken: Message[] = [];
    for (const row of rows) {
      // Whoever had it before may end with it just now, without this lock: it is taken as it is by then, or not.
      await sql.query(
        'UPDATE message SET leased_until = ? WHERE message_id = ? AND due_at <= ? AND leased_until <= ?',
        ...[time + LEASE, bytesAt(row, 0), time, time],
      );
      const text = 'SELECT 1 FROM message WHERE message_id = ? AND leased_until = ?';
      if ((await sql.query(text, bytesAt(row, 0), time + LEASE)).length > 0) taken.push(messageOf(row));
    }
    return taken;
  });
}

/** Asked every few seconds: without a lock. */
async function isAnyDue(database: AccountsSurroundings['database'], time: number): Promise<boolean> {
  const text = 'SELECT 1 FROM message WHERE due_at <= ? AND leased_until <= ? LIMIT 1';
  return (await database.read(async (sql) => await sql.query(text, time, time))).length > 0;
}

export async function messageSent({ database }: AccountsSurroundings, { id }: Message): Promise<void> {
  await database.transaction(async (sql) => await sql.query('DELETE FROM message WHERE message_id = ?', fromHex(id)));
}

/** Answers whether it will be tried again. */
export async function messageFailed(
  { database, now }: AccountsSurroundings,
  { id, tries, madeAt }: Message,
  { isFinal }: { readonly isFinal: boolean },
): Promise<boolean> {
  const time = now();
  const pause = Math.min(MINUTE * 2 ** Math.min(tries, 20), LONGEST_PAUSE);
  const isOver = isFinal || time + pause > madeAt + LIFETIME;
  await database.transaction(async (sql) => {
    if (isOver) await sql.query('DELETE FROM message WHERE message_id = ?', fromHex(id));
    else {
      await sql.query(
        'UPDATE message SET tries = ?, due_at = ?, leased_until = 0 WHERE message_id = ?',
        ...[tries + 1, time + pause, fromHex(id)],
      );
    }
  });
  return !isOver;
}

export async function messagesWaiting({ database }: AccountsSurroundings): Promise<number> {
  return await database.read(countMessages);
}

export async function countMessages(sql: Sql): Promise<number> {
  const [row] = await sql.query('SELECT COUNT(*) FROM message');
  return row === undefined ? 0 : numberAt(row, 0);
}

/** Those that nobody could send: of a channel that was taken away, of an account that is gone. */
export async function dropOldMessages(sql: Sql, now: number): Promise<void> {
  await sql.query('DELETE FROM message WHERE made_at <= ?', now - LIFETIME);
}

/** Whoever can send mail says so, so that processes that cannot know that somebody does. */
export async function sayMail({ database, now }: AccountsSurroundings): Promise<void> {
  const time = now();
  if (await database.read(async (sql) => await canMail(sql, time + DAY / 2))) return;
  await database.transaction(
    async (sql) =>
      await sql.query(
        `INSERT INTO watch_clock (name, looked_at) VALUES (?, ?)
          ON CONFLICT (name) DO UPDATE SET looked_at = excluded.looked_at`,
        ...['mail', time],
      ),
  );
}

export async function canMail(sql: Sql, now: number): Promise<boolean> {
  const [row] = await sql.query('SELECT looked_at FROM watch_clock WHERE name = ?', 'mail');
  return row !== undefined && numberAt(row, 0) > now - DAY;
}

function messageOf(row: SqlRow): Message {
  const [, channel, target, account, detail] = row;
  const known = CHANNELS.find((one) => one === channel);
  if (known === undefined || typeof target !== 'string' || typeof account !== 'string' || typeof detail !== 'string') {
    throw new SqlError('damaged', 'read message: its row does not have its form');
  }
  return {
    ...{ id: toHex(bytesAt(row, 0)), channel: known, target, account, notice: JSON.parse(detail) as Notice },
    ...{ madeAt: numberAt(row, 5), tries: numberAt(row, 6) },
  };
}
