/**
 * When each device committed last, by the server's own clock, and when somebody is to be told that it has not since. A
 * server that was not there itself, or whose clock was set, puts all alarms off by as long.
 */
import { utf8Encode } from '@keephold/bytes';
import { bytesAt, numberAt, type Sql } from '@keephold/custody/sql';
import { type AccountId, asAccountId, asDeviceId, type DeviceId } from '@keephold/protocol';
import type { AccountsSurroundings } from '../surroundings.ts';
import { addNotice, shortId } from './notice.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;
const NEVER = Number.MAX_SAFE_INTEGER;
/** A device that commits all the time is written down so often. */
const FRESH = HOUR;
/** Somebody looks every few seconds; a gap this long was an absence. */
const ABSENCE = HOUR;
/** Until its owner says otherwise. */
export const QUIET_DAYS = 3;

export async function noteCommit(
  { database, now, random }: AccountsSurroundings,
  accountId: AccountId,
  deviceId: DeviceId,
): Promise<void> {
  const time = now();
  const known = await database.read(async (sql) => await watched(sql, accountId, deviceId));
  const age = time - (known?.lastCommit ?? 0);
  if (known?.told === 0 && age >= 0 && age < FRESH) return;
  await database.transaction(async (sql) => {
    const before = known === undefined || known.told === 0 ? undefined : await watched(sql, accountId, deviceId);
    // Of a device that somebody has just called quiet the next commit tells that it is back.
    await sql.query(
      `INSERT INTO device_watch (account_id, device_id, committed_at, alarm_at, told) VALUES (?, ?, ?, CAST(? AS BIGINT) +
          COALESCE((SELECT CASE WHEN quiet_days = 0 THEN CAST(? AS BIGINT) ELSE quiet_days * ${DAY} END
            FROM contact WHERE account_id = ?), ${QUIET_DAYS * DAY}), 0)
        ON CONFLICT (account_id, device_id) DO UPDATE SET
          committed_at = excluded.committed_at, alarm_at = excluded.alarm_at, told = 0 WHERE device_watch.told = ?`,
      ...[accountId, deviceId, time, time, NEVER - time, accountId, before?.told ?? 0],
    );
    if (before === undefined || before.told === 0) return;
    const notice = { kind: 'back', device: shortId(deviceId), lastCommit: before.lastCommit } as const;
    await addNotice(sql, { accountId, notice, now: time, random });
  });
}

export interface QuietDevice {
  readonly accountId: AccountId;
  readonly deviceId: DeviceId;
}

/** Of those whose alarm is due, the earliest. */
export async function quietDevices(
  { database, now }: AccountsSurroundings,
  most: number,
): Promise<readonly QuietDevice[]> {
  const rows = await database.read(
    async (sql) =>
      await sql.query(
        'SELECT account_id, device_id FROM device_watch WHERE alarm_at <= ? ORDER BY alarm_at LIMIT ?',
        ...[now(), most],
      ),
  );
  return rows.map((row) => ({ accountId: asAccountId(bytesAt(row, 0)), deviceId: asDeviceId(bytesAt(row, 1)) }));
}

/** Once when it is due and once more a week later, whoever else does the same. */
export async function tellQuiet(
  { database, now, random }: AccountsSurroundings,
  { accountId, deviceId }: QuietDevice,
): Promise<void> {
  await database.transaction(async (sql) => {
    const before = await watched(sql, accountId, deviceId);
    const time = now();
    if (before === undefined || before.alarmAt > time) return;
    const alarmAt = before.told === 0 ? time + WEEK : NEVER;
    await sql.query(
      'UPDATE device_watch SET told = ?, alarm_at = ? WHERE account_id = ? AND device_id = ?',
      ...[before.told + 1, alarmAt, accountId, deviceId],
    );
    const notice = { kind: 'quiet', device: shortId(deviceId), lastCommit: before.lastCommit } as const;
    await addNotice(sql, { accountId, notice, now: time, random });
  });
}

/** It was revoked, or its account is gone. */
export async function forgetDevice(
  { database }: AccountsSurroundings,
  { accountId, deviceId }: QuietDevice,
): Promise<void> {
  await database.transaction(
    async (sql) =>
      await sql.query('DELETE FROM device_watch WHERE account_id = ? AND device_id = ?', accountId, deviceId),
  );
}

/** Nobody can tell now what it is. One that has committed meanwhile keeps the time that it has from that. */
export async function putOffQuiet(
  { database, now }: AccountsSurroundings,
  { accountId, deviceId }: QuietDevice,
): Promise<void> {
  const time = now();
  await database.transaction(
    async (sql) =>
      await sql.query(
        'UPDATE device_watch SET alarm_at = ? WHERE account_id = ? AND device_id = ? AND alarm_at <= ?',
        ...[time + HOUR, accountId, deviceId, time],
      ),
  );
}

export interface SeenDevice {
  readonly deviceId: DeviceId;
  readonly lastCommit: number;
}

export async function seenDevices({ database }: AccountsSurroundings, id: AccountId): Promise<readonly SeenDevice[]> {
  const rows = await database.read(
    async (sql) =>
      await sql.query(
        'SELECT device_id, committed_at FROM device_watch WHERE account_id = ? ORDER BY committed_at DESC',
        id,
      ),
  );
  return rows.map((row) => ({ deviceId: asDeviceId(bytesAt(row, 0)), lastCommit: numberAt(row, 1) }));
}

/** Of devices that nobody was told of yet. */
export async function alarmAfter(sql: Sql, accountId: AccountId, days: number): Promise<void> {
  if (days === 0) {
    await sql.query('UPDATE device_watch SET alarm_at = ? WHERE account_id = ?', NEVER, accountId);
    return;
  }
  await sql.query(
    'UPDATE device_watch SET alarm_at = committed_at + ? WHERE account_id = ? AND told = 0',
    days * DAY,
    accountId,
  );
}

/**
 * To be called again and again by whoever watches. The lock is of the row of `watch_clock`; what `device_watch` has, others
 * change without it, so all of it is one statement, which adds to what it finds.
 */
export async function keepWatch({ database, now }: AccountsSurroundings): Promise<void> {
  const time = now();
  const looked = await database.read(lookedAt);
  if (looked !== undefined && Math.abs(time - looked) < ABSENCE / 12) return;
  await database.exclusive(utf8Encode('watch devices'), async (sql) => {
    const before = await lookedAt(sql);
    const gap = time - (before ?? time);
    if (Math.abs(gap) > ABSENCE) {
      await sql.query('UPDATE device_watch SET alarm_at = alarm_at + ? WHERE alarm_at < ?', gap, NEVER);
    }
    await sql.query(
      `INSERT INTO watch_clock (name, looked_at) VALUES (?, ?)
        ON CONFLICT (name) DO UPDATE SET looked_at = excluded.looked_at`,
      ...['devices', time],
    );
  });
}

async function lookedAt(sql: Sql): Promise<number | undefined> {
  const [row] = await sql.query('SELECT looked_at FROM watch_clock WHERE name = ?', 'devices');
  return row && numberAt(row, 0);
}

interface Watched {
  readonly lastCommit: number;
  readonly alarmAt: number;
  readonly told: number;
}

async function watched(sql: Sql, accountId: AccountId, deviceId: DeviceId): Promise<Watched | undefined> {
  const [row] = await sql.query(
    'SELECT committed_at, alarm_at, told FROM device_watch WHERE account_id = ? AND device_id = ?',
    ...[accountId, deviceId],
  );
  return row && { lastCommit: numberAt(row, 0), alarmAt: numberAt(row, 1), told: numberAt(row, 2) };
}
