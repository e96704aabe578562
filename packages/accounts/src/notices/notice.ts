/**
 * What owners, and whoever runs the server, are told of without asking. A notice says what a server knows anyway: counts,
 * sizes, times, the beginning of a device's id. No name of a device, no path and no secret can be in one.
 */
import { toHex } from '@keephold/bytes';
import { numberAt, type Sql, SqlError, type SqlRow } from '@keephold/custody/sql';
import { type AccountId, asAccountId } from '@keephold/protocol';

/** What an owner may want or not. */
export const NOTICE_CHOICES = ['quiet', 'device', 'access', 'deletion', 'quota', 'damage', 'digest'] as const;
export type NoticeChoice = (typeof NOTICE_CHOICES)[number];

/** Times are unix milliseconds, `device` the first eight hex digits of an id. */
export type Notice =
  | { readonly kind: 'quiet'; readonly device: string; readonly lastCommit: number }
  | { readonly kind: 'back'; readonly device: string; readonly lastCommit: number }
  | { readonly kind: 'device'; readonly device: string }
  /** words: somebody signed in with them. The rest was changed. */
  | { readonly kind: 'access'; readonly what: 'password' | 'words' | 'way-in' | 'codes' | 'policy' | 'revoked' }
  | { readonly kind: 'deletion'; readonly snapshots: number }
  /** Deletion was stopped. Undefined: by an unlocked app. */
  | { readonly kind: 'hold'; readonly device: string | undefined }
  | { readonly kind: 'quota'; readonly level: 'near' | 'over'; readonly stored: number; readonly limit: number }
  | { readonly kind: 'damage'; readonly damaged: number; readonly repaired: number }
  | {
      readonly kind: 'digest';
      readonly devices: readonly { readonly device: string; readonly lastCommit: number }[];
      readonly snapshots: number;
      readonly bytes: number;
    }
  /** An admin tries the ways there are; nobody chooses this. */
  | { readonly kind: 'test' }
  /** By an admin: its owner is told, wherever he wants to be told of anything. */
  | { readonly kind: 'suspended' | 'resumed' }
  /** Of the address itself: nobody chooses these. */
  | { readonly kind: 'confirm'; readonly code: string }
  | { readonly kind: 'address-changed' };

/** Of an account, on their way; more are dropped, so that nobody fills the outbox of all. */
const MOST = 100;

export interface NewNotice {
  readonly accountId: AccountId;
  readonly notice: Notice;
  readonly now: number;
  readonly random: (length: number) => Uint8Array;
}

/** Within the transaction that makes what it tells of true. */
export async function addNotice(sql: Sql, { accountId, notice, now, random }: NewNotice): Promise<void> {
  const [row] = await sql.query('SELECT COUNT(*) FROM notice WHERE account_id = ?', accountId);
  if (row !== undefined && numberAt(row, 0) >= MOST) return;
  await sql.query(
    'INSERT INTO notice (notice_id, account_id, detail, made_at) VALUES (?, ?, ?, ?)',
    random(16),
    accountId,
    JSON.stringify(notice),
    now,
  );
}

export function choiceOf({ kind }: Notice): NoticeChoice | undefined {
  if (kind === 'confirm' || kind === 'address-changed' || kind === 'test') return undefined;
  if (kind === 'suspended' || kind === 'resumed') return undefined;
  if (kind === 'hold') return 'deletion';
  return kind === 'back' ? 'quiet' : kind;
}

export function shortId(id: Uint8Array): string {
  return toHex(id.subarray(0, 4));
}

export interface StoredNotice {
  readonly noticeId: Uint8Array;
  readonly accountId: AccountId;
  readonly notice: Notice;
  readonly madeAt: number;
}

/** `row`: notice_id, account_id, detail, made_at. */
export function noticeOf([noticeId, accountId, detail, madeAt]: SqlRow): StoredNotice {
  if (!(noticeId instanceof Uint8Array && accountId instanceof Uint8Array)) throw notANotice();
  if (typeof detail !== 'string' || typeof madeAt !== 'number') throw notANotice();
  return { noticeId, accountId: asAccountId(accountId), notice: JSON.parse(detail) as Notice, madeAt };
}

function notANotice(): SqlError {
  return new SqlError('damaged', 'read notice: its row does not have its form');
}
