/**
 * Messages between an unlocked app and a device that it adds (security.md §3.10): four, each in its turn, for ten minutes,
 * under the id of a ticket that the server never sees. What they say is checked by those two, by the ticket's MACs.
 */
import { equalBytes } from '@keephold/bytes';
import { numberAt, type Sql, SqlError } from '@keephold/custody/sql';
import { type AccountId, ID_LENGTH } from '@keephold/protocol';
import { subscriberOf } from './address.ts';
import { AccountsError } from './errors.ts';
import type { AccountsSurroundings } from './surroundings.ts';
import { requireTry } from './tries.ts';

/** offer and answer are the device's, draft and heads the app's. */
export type PairingMessage = 'offer' | 'draft' | 'answer' | 'heads';

const LIFETIME = 10 * 60_000;
/** Of one account at once. */
const MOST_OPEN = 3;
/** A bundle has 1,249 bytes, and a device's name at most some hundred. */
const LONGEST_MESSAGE = 8192;

export interface OpenPairing {
  /** Unix milliseconds. */
  readonly expiresAt: number;
}

/** Can be repeated. @throws AccountsError `pairing-refused` when too many are open, or the ticket is another account's. */
export async function openPairing(
  { database, now }: AccountsSurroundings,
  accountId: AccountId,
  ticketId: Uint8Array,
): Promise<OpenPairing> {
  if (ticketId.length !== ID_LENGTH) throw new AccountsError('malformed');
  const time = now();
  return await database.transaction(async (sql) => {
    await sql.query('DELETE FROM pairing WHERE expires_at <= ?', time);
    const [row] = await sql.query('SELECT account_id, expires_at FROM pairing WHERE ticket_id = ?', ticketId);
    if (row !== undefined) {
      if (!equalBytes(row[0] as Uint8Array, accountId)) throw new AccountsError('pairing-refused');
      return { expiresAt: numberAt(row, 1) };
    }
    const open = await sql.query('SELECT 1 FROM pairing WHERE account_id = ?', accountId);
    if (open.length >= MOST_OPEN) throw new AccountsError('pairing-refused');
    const expiresAt = time + LIFETIME;
    const text = 'INSERT INTO pairing (ticket_id, account_id, expires_at) VALUES (?, ?, ?)';
    await sql.query(text, ticketId, accountId, expiresAt);
    return { expiresAt };
  });
}

/** Who sends or asks: the app is known by its account, the device by nothing but the ticket's id. */
export type PairingSide =
  | { readonly kind: 'app'; readonly accountId: AccountId }
  | { readonly kind: 'device'; readonly address: string };

interface Row {
  readonly offer: Uint8Array | undefined;
  readonly draft: Uint8Array | undefined;
  readonly answer: Uint8Array | undefined;
  readonly heads: Uint8Array | undefined;
}

export interface SentMessage {
  readonly ticketId: Uint8Array;
  readonly message: PairingMessage;
  readonly bytes: Uint8Array;
}

/** Can be repeated. A new draft takes back the answer to the one before. @throws AccountsError `pairing-refused` */
export async function sendPairingMessage(
  { database, now }: AccountsSurroundings,
  side: PairingSide,
  { ticketId, message, bytes }: SentMessage,
): Promise<void> {
  requireSender(side, message);
  if (bytes.length > LONGEST_MESSAGE) throw new AccountsError('malformed');
  const time = now();
  if (side.kind === 'device') {
    const whom = subscriberOf(side.address);
    await database.transaction(async (sql) => void (await requireTry(sql, 'pairing from', { whom, now: time })));
  }
  await database.transaction(async (sql) => {
    const row = await readPairing(sql, { ticketId, side, time });
    const stored = row[message];
    if (stored !== undefined && equalBytes(stored, bytes)) return;
    if (!isInTurn(row, message)) throw new AccountsError('pairing-refused');
    await sql.query(UPDATES[message], bytes, ticketId);
  });
}

/** Undefined while it has not been sent. @throws AccountsError `pairing-refused` */
export async function readPairingMessage(
  { database, now }: AccountsSurroundings,
  side: PairingSide,
  { ticketId, message }: Omit<SentMessage, 'bytes'>,
): Promise<Uint8Array | undefined> {
  return await database.read(async (sql) => (await readPairing(sql, { ticketId, side, time: now() }))[message]);
}

const UPDATES: Readonly<Record<PairingMessage, string>> = {
  offer: 'UPDATE pairing SET offer = ? WHERE ticket_id = ?',
  draft: 'UPDATE pairing SET draft = ?, answer = NULL WHERE ticket_id = ?',
  answer: 'UPDATE pairing SET answer = ? WHERE ticket_id = ?',
  heads: 'UPDATE pairing SET heads = ? WHERE ticket_id = ?',
};

function isInTurn({ offer, draft, answer, heads }: Row, message: PairingMessage): boolean {
  switch (message) {
    case 'offer':
      return offer === undefined;
    case 'draft':
      return offer !== undefined && heads === undefined;
    case 'answer':
      return draft !== undefined && answer === undefined;
    case 'heads':
      return answer !== undefined && heads === undefined;
  }
}

function requireSender(side: PairingSide, message: PairingMessage): void {
  const sender = message === 'offer' || message === 'answer' ? 'device' : 'app';
  if (side.kind !== sender) throw new AccountsError('pairing-refused');
}

interface Asked {
  readonly ticketId: Uint8Array;
  readonly side: PairingSide;
  readonly time: number;
}

async function readPairing(sql: Sql, { ticketId, side, time }: Asked): Promise<Row> {
  const [row] = await sql.query(
    'SELECT account_id, offer, draft, answer, heads FROM pairing WHERE ticket_id = ? AND expires_at > ?',
    ticketId,
    time,
  );
  const isOurs = row !== undefined && (side.kind === 'device' || equalBytes(row[0] as Uint8Array, side.accountId));
  if (!isOurs) throw new AccountsError('pairing-refused');
  const [, offer, draft, answer, heads] = row.map(optionalBytes);
  return { offer, draft, answer, heads };
}

function optionalBytes(value: unknown): Uint8Array | undefined {
  if (value === null) return undefined;
  if (value instanceof Uint8Array) return value;
  throw new SqlError('damaged', 'read pairing: a message is not bytes');
}
