/** The SQL seam on a real PostgreSQL: what its contract says, also with other processes, and when it goes away. */
import { setTimeout as sleep } from 'node:timers/promises';
import { hasPostgres, type PostgresCluster, postgresNote, startPostgres } from '@keephold/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { migrate } from '../src/ledger/migrate.ts';
import { LEDGER_MIGRATIONS } from '../src/ledger/schema.ts';
import { bytesAt, numberAt, type Sql, type SqlDatabase } from '../src/ledger/sql.ts';
import { openPostgres } from '../src/sql.ts';

const LOCK = new Uint8Array([1, 2, 3]);
/** A row that nobody works on under the lock. */
const OTHER = 2;

function asError(error: unknown): Error {
  return error as Error;
}

async function countUp(sql: Sql, id = 1): Promise<void> {
  const [row] = await sql.query('SELECT value FROM counter WHERE id = ?', id);
  await sql.query('UPDATE counter SET value = ? WHERE id = ?', numberAt(row ?? [], 0) + 1, id);
}

describe.skipIf(!hasPostgres)(`PostgreSQL${postgresNote}`, () => {
  let cluster: PostgresCluster;
  let url: string;
  let opened: SqlDatabase[];
  /** As another process has it: connections of its own. */
  const open = async (patience = 10_000, connections = 4): Promise<SqlDatabase> => {
    const database = await openPostgres({ url, random: () => 0.5, patience, connections });
    opened.push(database);
    return database;
  };
  const value = async (database: SqlDatabase, id = 1): Promise<number> =>
    await database.read(async (sql) => {
      const [row] = await sql.query('SELECT value FROM counter WHERE id = ?', id);
      return numberAt(row ?? [], 0);
    });

  beforeAll(async () => {
    cluster = await startPostgres();
  }, 60_000);
  afterAll(async () => await cluster[Symbol.asyncDispose]());
  beforeEach(async () => {
    url = await cluster.newDatabase();
    opened = [];
    await (await open()).transaction(async (sql) => {
      await sql.query('CREATE TABLE counter (id BIGINT PRIMARY KEY, value BIGINT NOT NULL, bytes BLOB, text TEXT)');
      await sql.query('INSERT INTO counter (id, value) VALUES (?, ?)', 1, 0);
    });
  });
  afterEach(async () => {
    for (const database of opened) await database.close();
  });

  it('gives back what was stored: numbers to 2^53, bytes of their own, text, nothing', async () => {
    const database = await open();
    const bytes = Uint8Array.from({ length: 300 }, (_, index) => index % 256);
    const rows = [
      [2, Number.MAX_SAFE_INTEGER, bytes, 'naïve \\x00 text ?'],
      [3, -Number.MAX_SAFE_INTEGER, new Uint8Array(0), ''],
      [4, 0, null, null],
    ] as const;
    await database.transaction(async (sql) => {
      for (const row of rows)
        await sql.query('INSERT INTO counter (id, value, bytes, text) VALUES (?, ?, ?, ?)', ...row);
    });
    const text = 'SELECT id, value, bytes, text FROM counter WHERE id > ? ORDER BY id';
    const stored = await database.read(async (sql) => await sql.query(text, 1));
    expect(stored).toEqual(rows);
    expect(bytesAt(stored[0] ?? [], 2).buffer.byteLength).toBe(300);
    const [sums] = await database.read(async (sql) => await sql.query('SELECT COUNT(*), MAX(id), 1 FROM counter'));
    expect(sums).toEqual([4, 4, 1]);
  });

  it('refuses a number that JavaScript has not', async () => {
    const database = await open();
    const big = database.read(async (sql) => await sql.query('SELECT 9007199254740993, value FROM counter'));
    await expect(big).rejects.toMatchObject({ name: 'SqlError', code: 'damaged' });
  });

  it('keeps nothing of work that throws, whatever it throws', async () => {
    const database = await open();
    for (const kind of ['transaction', 'exclusive'] as const) {
      const work = async (sql: Sql): Promise<void> => {
        await countUp(sql);
        throw new RangeError('mine');
      };
      const run = kind === 'transaction' ? database.transaction(work) : database.exclusive(LOCK, work);
      await expect(run).rejects.toThrow(RangeError);
    }
    expect(await value(database)).toBe(0);
  });

  it('says so when a statement failed and the work went on as if it had not', async () => {
    const database = await open();
    const careless = database.exclusive(LOCK, async (sql) => {
      await countUp(sql);
      await sql.query('SELECT 1 FROM nowhere').catch(() => []);
    });
    await expect(careless).rejects.toMatchObject({ name: 'SqlError', code: 'failed' });
    expect(await value(database)).toBe(0);
  });

  it('runs transactions that meet as if one came after the other', async () => {
    const databases = [await open(), await open()];
    let runs = 0;
    await Promise.all(
      Array.from({ length: 12 }, async (_, index) => {
        await databases[index % 2]?.transaction(async (sql) => {
          runs++;
          await countUp(sql);
        });
      }),
    );
    expect(await value(databases[0] as SqlDatabase)).toBe(12);
    expect(runs).toBeGreaterThan(12);
  });

  it('lets one in the world work under a lock, each once and on what the one before left', async () => {
    const databases = [await open(), await open()];
    let [inside, most, runs] = [0, 0, 0];
    await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        await databases[index % 2]?.exclusive(LOCK, async (sql) => {
          runs++;
          most = Math.max(most, ++inside);
          await countUp(sql);
          await sleep(1);
          inside--;
        });
      }),
    );
    expect([await value(databases[0] as SqlDatabase), most, runs]).toEqual([20, 1, 20]);
  });

  it('keeps connections free for others while many wait for one lock', async () => {
    const [holder, database] = [await open(), await open(10_000, 2)];
    const done = Promise.withResolvers<void>();
    const holding = Promise.withResolvers<void>();
    const held = holder.exclusive(LOCK, async () => {
      holding.resolve();
      await done.promise;
    });
    await holding.promise;
    const waiting = Array.from({ length: 10 }, async () => await database.exclusive(LOCK, countUp));
    expect(await database.exclusive(new Uint8Array([9]), async () => 'free')).toBe('free');
    done.resolve();
    await Promise.all([held, ...waiting]);
    expect(await value(database)).toBe(10);
  });

  it('waits for a database that starts again, and loses nothing that was told to be there', async () => {
    const database = await open();
    await database.exclusive(LOCK, countUp);
    await database.transaction(
      async (sql) => await sql.query('INSERT INTO counter (id, value) VALUES (?, ?)', OTHER, 5),
    );
    await cluster.stop('immediate');
    // Of one row each: what is worked on under a lock nobody touches without it.
    const underLock = database.exclusive(LOCK, countUp);
    const waiting = [underLock, database.transaction(async (sql) => await countUp(sql, OTHER))];
    const reading = value(database);
    await cluster.start();
    await Promise.all(waiting);
    expect(await reading).toBeGreaterThanOrEqual(1);
    expect([await value(database), await value(database, OTHER)]).toEqual([2, 6]);
  });

  it('says unavailable of a database that stays away, with nothing of its password', async () => {
    const away = url.replace('keephold@', 'keephold:geheim@').replace(/:\d+\//, ':1/');
    const database = await openPostgres({ url: away, random: () => 0, patience: 100 });
    const failed = await database.exclusive(LOCK, countUp).catch((error: unknown) => error);
    expect(failed).toMatchObject({ name: 'SqlError', code: 'unavailable' });
    expect(String(failed)).not.toContain('geheim');
    await database.close();
    for (const wrong of ['postgres//keephold:geheim@host/db', 'mysql://keephold:geheim@host/db']) {
      const refused = await openPostgres({ url: wrong, random: () => 0 }).then(() => undefined, asError);
      expect(refused).toMatchObject({ name: 'SqlError', code: 'failed' });
      expect(refused?.cause).toBeUndefined();
      expect(refused?.message).not.toContain('geheim');
    }
  });

  it('says so at once when the database does not let it in', async () => {
    const other = url.replace(/\/test_\d+$/, '/not-there');
    const database = await openPostgres({ url: other, random: () => 0, patience: 600_000 });
    await expect(database.read(async (sql) => await sql.query('SELECT 1'))).rejects.toMatchObject({
      code: 'no-permission',
    });
    await database.close();
  });

  it('keeps nothing when the database crashes in the middle, and the lock is free', async () => {
    const database = await open();
    const broken = database.exclusive(LOCK, async (sql) => {
      await countUp(sql);
      await cluster.stop('immediate');
      await cluster.start();
      await countUp(sql);
    });
    await expect(broken).rejects.toMatchObject({ name: 'SqlError', code: 'unavailable' });
    const alive = database.exclusive(LOCK, async () => {
      await cluster.stop('immediate');
      await cluster.start();
    });
    // Nothing was asked of the connection that broke: its end is.
    await expect(alive).rejects.toMatchObject({ code: 'unavailable' });
    await database.exclusive(LOCK, countUp);
    expect(await value(database)).toBe(1);
  });

  it('makes its tables once, whoever comes first, and refuses those of a newer version', async () => {
    const databases = await Promise.all([open(), open(), open()]);
    const options = { versionTable: 'ledger_version', migrations: LEDGER_MIGRATIONS };
    await Promise.all(databases.map(async (database) => await migrate(database, options)));
    const database = databases[0];
    const next = { ...options, migrations: [...LEDGER_MIGRATIONS, ['CREATE TABLE later (id BIGINT PRIMARY KEY)']] };
    await migrate(database, next);
    await migrate(database, next);
    expect(await database.read(async (sql) => await sql.query('SELECT id FROM later'))).toEqual([]);
    await expect(migrate(database, options)).rejects.toMatchObject({ code: 'newer-version' });
  });
});
