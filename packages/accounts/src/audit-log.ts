/**
 * What happened to an account (security.md §5), each entry with the hash of the one before:
 *
 * ```
 * entry = CBOR {0:1, 1:accountId, 2:seq from 0, 3:prevHash, 4:unix seconds, 5:type, 6:IP prefix, 7:deviceId?, 8:what?}
 * hash  = SHA-256(LBL("audit") ‖ entry)
 * ```
 */
import { type CborValue, encodeCbor, utf8Encode } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto/verify';
import { bytesAt, numberAt, type Sql, type SqlDatabase } from '@keephold/custody/sql';
import type { AccountId, DeviceId } from '@keephold/protocol';

const LABEL = utf8Encode('keephold/v1/audit\0');
const NO_HASH = new Uint8Array(32);

export type AuditType =
  | 'signed-up'
  | 'signed-in'
  | 'recovery-login'
  | 'password-changed'
  | 'keychain' // an entry was appended; what: its type
  | 'deleted' // snapshots to the trash, or space reclaimed; what: the route
  | 'hold' // a device, or an unlocked app, stopped deletion
  | 'factor-added'
  | 'factor-removed'
  | 'factor-codes' // other recovery codes were made
  | 'factor-asked' // the password was right, and a code is wanted
  | 'factor-refused' // a wrong or used code
  | 'session-ended' // one of an unlocked app, by another
  | 'invited' // by an admin
  | 'invitation-withdrawn' // by an admin
  | 'suspended' // by an admin, whose address is not the owner's to see
  | 'resumed'
  | 'account-suspended' // that of somebody, by this admin
  | 'account-resumed'
  | 'refused'; // a session tried what it may not; what: the route

export interface AuditEvent {
  readonly accountId: AccountId;
  readonly type: AuditType;
  /** Unix milliseconds. */
  readonly now: number;
  /** Of the caller's address; the rest is not kept. */
  readonly ipPrefix: string;
  readonly deviceId?: DeviceId | undefined;
  /** A word of this program, never of the caller. */
  readonly what?: string;
}

/** One entry in a transaction of its own. */
export async function recordAudit(database: SqlDatabase, event: AuditEvent): Promise<void> {
  await database.transaction(async (sql) => await appendAudit(sql, event));
}

/** Within a transaction: two entries never get one number. */
export async function appendAudit(sql: Sql, event: AuditEvent): Promise<void> {
  const [last] = await sql.query(
    'SELECT seq, hash FROM audit WHERE account_id = ? ORDER BY seq DESC LIMIT 1',
    event.accountId,
  );
  const seq = last === undefined ? 0 : numberAt(last, 0) + 1;
  const entry = encodeEntry(event, seq, last === undefined ? NO_HASH : bytesAt(last, 1));
  await sql.query(
    'INSERT INTO audit (account_id, seq, entry, hash) VALUES (?, ?, ?, ?)',
    event.accountId,
    seq,
    entry,
    auditHash(entry),
  );
}

export function auditHash(entry: Uint8Array): Uint8Array {
  return sha256(LABEL, entry);
}

/** Entries in order, from a seq on. */
export async function auditEntries(sql: Sql, accountId: AccountId, fromSeq: number): Promise<readonly Uint8Array[]> {
  const rows = await sql.query(
    'SELECT entry FROM audit WHERE account_id = ? AND seq >= ? ORDER BY seq',
    accountId,
    fromSeq,
  );
  return rows.map((row) => bytesAt(row, 0));
}

function encodeEntry(event: AuditEvent, seq: number, prevHash: Uint8Array): Uint8Array {
  const fields = new Map<number, CborValue>([
    [0, 1],
    [1, event.accountId],
    [2, seq],
    [3, prevHash],
    [4, Math.floor(event.now / 1000)],
    [5, event.type],
    [6, event.ipPrefix],
  ]);
  if (event.deviceId !== undefined) fields.set(7, event.deviceId);
  if (event.what !== undefined) fields.set(8, event.what);
  return encodeCbor(fields);
}
