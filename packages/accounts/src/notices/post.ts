/** From what happened to messages: who is told by which channel. */
import { bytesAt, numberAt, type Sql } from '@keephold/custody/sql';
import { type AccountId, asAccountId } from '@keephold/protocol';
import type { AccountsSurroundings } from '../surroundings.ts';
import { wantedBy } from './contact.ts';
import { addNotice, choiceOf, type Notice, noticeOf, type StoredNotice } from './notice.ts';
import { addMessage, type Channel, countMessages, dropOldMessages, MOST_MESSAGES } from './outbox.ts';

const DAY = 86_400_000;
const WEEK = 7 * DAY;
/** A transaction stays short. */
const AT_ONCE = 16;

/** Answers how many notices became messages. Each does once, however many processes do this. */
export async function postNotices(
  { database, now, random }: AccountsSurroundings,
  channels: readonly Channel[],
): Promise<number> {
  const time = now();
  const waiting = await database.read(async (sql) => await sql.query('SELECT 1 FROM notice LIMIT 1'));
  if (waiting.length === 0) return 0;
  return await database.transaction(async (sql) => {
    await dropOldMessages(sql, time);
    // Where nobody is told of anything they go unread.
    await sql.query('DELETE FROM notice WHERE made_at <= ?', time - WEEK);
    if (channels.length === 0 || (await countMessages(sql)) >= MOST_MESSAGES) return 0;
    const rows = await sql.query(
      'SELECT notice_id, account_id, detail, made_at FROM notice ORDER BY made_at LIMIT ?',
      AT_ONCE,
    );
    for (const stored of rows.map(noticeOf)) {
      for (const [channel, target] of await receiversOf(sql, stored, channels)) {
        const { accountId, notice } = stored;
        await addMessage(sql, { accountId, channel, target, notice, now: time, random });
      }
      await sql.query('DELETE FROM notice WHERE notice_id = ?', stored.noticeId);
    }
    return rows.length;
  });
}

async function receiversOf(
  sql: Sql,
  { accountId, notice }: StoredNotice,
  channels: readonly Channel[],
): Promise<readonly (readonly [Channel, string])[]> {
  const ofServer = channels.filter((channel) => channel !== 'mail' && notice.kind !== 'digest');
  const receivers: (readonly [Channel, string])[] = ofServer.map((channel) => [channel, '']);
  if (!channels.includes('mail')) return receivers;
  const addresses = new Set<string>();
  for (const id of [accountId, ...(notice.kind === 'damage' ? await admins(sql) : [])]) {
    const { address, wanted } = await wantedBy(sql, id);
    if (address !== '' && wants(wanted, notice)) addresses.add(address);
  }
  return [...receivers, ...[...addresses].map((address) => ['mail', address] as const)];
}

function wants(wanted: string, notice: Notice): boolean {
  const choice = choiceOf(notice);
  return choice === undefined || wanted.split(' ').includes(choice);
}

/** A disk that rots is theirs. */
async function admins(sql: Sql): Promise<readonly AccountId[]> {
  const rows = await sql.query('SELECT account_id FROM account WHERE admin = 1');
  return rows.map((row) => asAccountId(bytesAt(row, 0)));
}

/** Accounts that are to be told how they stand, the earliest. */
export async function dueDigests({ database, now }: AccountsSurroundings, most: number): Promise<readonly AccountId[]> {
  const rows = await database.read(
    async (sql) =>
      await sql.query(
        'SELECT account_id FROM contact WHERE address IS NOT NULL AND digest_at <= ? ORDER BY digest_at LIMIT ?',
        ...[now(), most],
      ),
  );
  return rows.map((row) => asAccountId(bytesAt(row, 0)));
}

/** Once a week, whoever else does the same; without a notice only the week begins. */
export async function addDigest(
  { database, now, random }: AccountsSurroundings,
  accountId: AccountId,
  notice: Extract<Notice, { readonly kind: 'digest' }> | undefined,
): Promise<void> {
  await database.transaction(async (sql) => {
    const time = now();
    const [row] = await sql.query('SELECT digest_at FROM contact WHERE account_id = ?', accountId);
    if (row === undefined || numberAt(row, 0) > time) return;
    await sql.query('UPDATE contact SET digest_at = ? WHERE account_id = ?', time + WEEK, accountId);
    if (notice !== undefined) await addNotice(sql, { accountId, notice, now: time, random });
  });
}
