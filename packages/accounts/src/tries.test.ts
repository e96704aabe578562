import { SqliteDatabase } from '@keephold/custody/sql';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { migrate } from './schema.ts';
import { clearTries, countTry, LIMITS, requireTry } from './tries.ts';

const MINUTE = 60_000;
const limit = LIMITS['sign-in to'];

/** How many of the tries at these pauses go through, and the longest wait that is told. */
function run(pauses: readonly number[]): { readonly allowedAt: readonly number[]; readonly longestWait: number } {
  let state: Parameters<typeof countTry>[0];
  let now = 1_790_000_000_000;
  let longestWait = 0;
  const allowedAt: number[] = [];
  for (const pause of pauses) {
    now += pause;
    const after = countTry(state, limit, now);
    if ('waitUntil' in after) longestWait = Math.max(longestWait, after.waitUntil - now);
    else {
      state = after;
      allowedAt.push(now);
    }
  }
  return { allowedAt, longestWait };
}

describe('tries', () => {
  it('lets through five in a quarter of an hour, then fewer, and never stops for more than an hour', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 3 * 60 * MINUTE }), { maxLength: 200 }), (pauses) => {
        const { allowedAt, longestWait } = run(pauses);
        expect(longestWait).toBeLessThanOrEqual(60 * MINUTE);
        for (const [index, at] of allowedAt.entries()) {
          // Two windows may meet.
          const within = allowedAt.slice(index).filter((other) => other - at < limit.window).length;
          expect(within).toBeLessThanOrEqual(2 * limit.tries);
        }
      }),
    );
  });

  it('come down to one an hour for who goes on and on', () => {
    const { allowedAt } = run(Array.from({ length: 24 * 60 }, () => MINUTE));
    const last = allowedAt.filter((at) => at > 1_790_000_000_000 + 12 * 60 * MINUTE);
    expect(last.length).toBeLessThanOrEqual(13);
    expect(last.length).toBeGreaterThanOrEqual(11);
  });

  it('are counted for each name by itself, told with the time to wait, and cleared by a success', async () => {
    const database = await SqliteDatabase.open(':memory:', 'durable');
    await migrate(database);
    await migrate(database);
    const now = 1_790_000_000_000;
    const attempt = async (whom: string, at = now): Promise<Uint8Array> =>
      await database.transaction(async (sql) => await requireTry(sql, 'sign-in to', { whom, now: at }));
    for (let i = 0; i < limit.tries; i++) await attempt('ann');
    await expect(attempt('ann')).rejects.toMatchObject({ code: 'too-many-tries', retryAfter: 15 * 60 });
    const key = await attempt('bob');
    await database.transaction(async (sql) => await clearTries(sql, key));
    for (let i = 0; i < limit.tries; i++) await attempt('bob');
    await expect(attempt('bob')).rejects.toMatchObject({ code: 'too-many-tries' });
    await attempt('carol', now + 4 * 24 * 60 * MINUTE);
    const kept = await database.read(async (sql) => await sql.query('SELECT COUNT(*) FROM tries'));
    expect(kept).toEqual([[1]]);
    await database.close();
  });
});
