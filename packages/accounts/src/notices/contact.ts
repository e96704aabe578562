/**
 * Where an owner is told, and of what. An address gets one message before its owner has confirmed it, so that nobody has
 * mail sent to others; one that is replaced or taken away is told so.
 */
import { equalBytes, toBase64Url, utf8Encode } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto/verify';
import { bytesAt, numberAt, optionalNumberAt, type Sql, type SqlRow } from '@keephold/custody/sql';
import type { AccountId } from '@keephold/protocol';
import { AccountsError } from '../errors.ts';
import type { AccountsSurroundings } from '../surroundings.ts';
import { requireTry } from '../tries.ts';
import { alarmAfter, QUIET_DAYS } from './device-watch.ts';
import { NOTICE_CHOICES, type Notice, type NoticeChoice } from './notice.ts';
import { addMessage, canMail } from './outbox.ts';

const DAY = 86_400_000;
const WEEK = 7 * DAY;
const CODE_LIFETIME = DAY;

export interface Contact {
  /** Confirmed. */
  readonly address: string | undefined;
  /** Not confirmed yet. */
  readonly unconfirmed: string | undefined;
  readonly wanted: readonly NoticeChoice[];
  /** After so many days without a commit a device is quiet; 0: never. */
  readonly quietDays: number;
  readonly canMail: boolean;
}

export async function contactOf(surroundings: AccountsSurroundings, id: AccountId): Promise<Contact> {
  const { database } = surroundings;
  return await database.read(async (sql) => contactFrom(await rowOf(sql, id), await canMail(sql, surroundings.now())));
}

/** What is undefined stays; `address` '' takes it away. */
export interface ContactWish {
  readonly address?: string | undefined;
  readonly wanted?: readonly NoticeChoice[] | undefined;
  readonly quietDays?: number | undefined;
}

/** @throws AccountsError `no-mail` where this server sends none, `malformed` for what is no address, `too-many-tries` */
export async function setContact(
  surroundings: AccountsSurroundings,
  accountId: AccountId,
  { address, wanted, quietDays }: ContactWish,
): Promise<void> {
  const now = surroundings.now();
  if (address !== undefined && address !== '') {
    if (!isAddress(address)) throw new AccountsError('malformed');
    await surroundings.database.transaction(async (sql) => await requireTry(sql, 'mail of', { whom: accountId, now }));
  }
  await surroundings.database.transaction(async (sql) => {
    await sql.query(
      `INSERT INTO contact (account_id, wanted, quiet_days, digest_at, code_until) VALUES (?, ?, ?, 0, 0)
        ON CONFLICT (account_id) DO NOTHING`,
      ...[accountId, NOTICE_CHOICES.join(' '), QUIET_DAYS],
    );
    if (wanted !== undefined) {
      await sql.query('UPDATE contact SET wanted = ? WHERE account_id = ?', wanted.join(' '), accountId);
    }
    if (quietDays !== undefined) {
      await sql.query('UPDATE contact SET quiet_days = ? WHERE account_id = ?', quietDays, accountId);
      await alarmAfter(sql, accountId, quietDays);
    }
    if (address === '') await removeAddress(sql, surroundings, accountId);
    else if (address !== undefined) await beginAddress(sql, surroundings, { accountId, address, now });
  });
}

/** @throws AccountsError `wrong-code` */
export async function confirmContact(
  surroundings: AccountsSurroundings,
  accountId: AccountId,
  code: string,
): Promise<void> {
  const now = surroundings.now();
  // By itself: what is wrong counts.
  await surroundings.database.transaction(async (sql) => await requireTry(sql, 'code of', { whom: accountId, now }));
  await surroundings.database.transaction(async (sql) => {
    const [row] = await sql.query(
      'SELECT new_address, code_hash, code_until, address FROM contact WHERE account_id = ?',
      accountId,
    );
    const isRight =
      row !== undefined &&
      row[1] !== null &&
      now < numberAt(row, 2) &&
      equalBytes(bytesAt(row, 1), sha256(utf8Encode(code)));
    const address = row?.[0];
    if (!isRight || typeof address !== 'string') throw new AccountsError('wrong-code');
    if (row[3] !== address) await tellOld(sql, surroundings, accountId);
    await sql.query(
      `UPDATE contact SET address = new_address, new_address = NULL, code_hash = NULL, digest_at = ?
        WHERE account_id = ?`,
      ...[now + WEEK, accountId],
    );
  });
}

/** Of an account that has set nothing, too. */
export async function wantedBy(
  sql: Sql,
  id: AccountId,
): Promise<{ readonly address: string; readonly wanted: string }> {
  const [row] = await sql.query('SELECT address, wanted FROM contact WHERE account_id = ?', id);
  return { address: textAt(row, 0) ?? '', wanted: textAt(row, 1) ?? '' };
}

async function rowOf(sql: Sql, id: AccountId): Promise<SqlRow | undefined> {
  const [row] = await sql.query(
    'SELECT address, new_address, wanted, quiet_days FROM contact WHERE account_id = ?',
    id,
  );
  return row;
}

function contactFrom(row: SqlRow | undefined, canMail: boolean): Contact {
  const wanted = new Set((textAt(row, 2) ?? NOTICE_CHOICES.join(' ')).split(' '));
  return {
    address: textAt(row, 0),
    unconfirmed: textAt(row, 1),
    wanted: NOTICE_CHOICES.filter((choice) => wanted.has(choice)),
    quietDays: (row && optionalNumberAt(row, 3)) ?? QUIET_DAYS,
    canMail,
  };
}

function textAt(row: SqlRow | undefined, index: number): string | undefined {
  const value = row?.[index];
  return typeof value === 'string' ? value : undefined;
}

async function beginAddress(
  sql: Sql,
  { random }: AccountsSurroundings,
  { accountId, address, now }: { readonly accountId: AccountId; readonly address: string; readonly now: number },
): Promise<void> {
  if (!(await canMail(sql, now))) throw new AccountsError('no-mail');
  const code = toBase64Url(random(9));
  await sql.query(
    'UPDATE contact SET new_address = ?, code_hash = ?, code_until = ? WHERE account_id = ?',
    ...[address, sha256(utf8Encode(code)), now + CODE_LIFETIME, accountId],
  );
  const notice: Notice = { kind: 'confirm', code };
  await addMessage(sql, { accountId, channel: 'mail', target: address, notice, now, random });
}

async function removeAddress(sql: Sql, surroundings: AccountsSurroundings, accountId: AccountId): Promise<void> {
  await tellOld(sql, surroundings, accountId);
  await sql.query(
    'UPDATE contact SET address = NULL, new_address = NULL, code_hash = NULL WHERE account_id = ?',
    accountId,
  );
}

/** Whoever got hold of the password must not be able to make the owner deaf without a sound. */
async function tellOld(sql: Sql, { now, random }: AccountsSurroundings, accountId: AccountId): Promise<void> {
  const { address } = await wantedBy(sql, accountId);
  if (address === '') return;
  const notice: Notice = { kind: 'address-changed' };
  await addMessage(sql, { accountId, channel: 'mail', target: address, notice, now: now(), random });
}

/** One address, without anything that has a meaning in the head of a message. Whether it is somebody's its owner shows. */
function isAddress(text: string): boolean {
  return text.length <= 254 && /^[^\s@<>(),;:"\\[\]\p{Cc}]{1,64}@[^\s@<>(),;:"\\[\]\p{Cc}]+$/u.test(text);
}
