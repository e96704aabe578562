/**
 * PostgreSQL through `pg`. Whoever works under a lock of a name (`exclusive`) holds an advisory lock of that transaction,
 * so that statements of different processes never meet; other transactions are serialisable and run again when they met.
 * A database that is away is waited for before anything has been done, never in the middle.
 *
 * Of the driver is known: a client that is checked out needs its own listener for errors (node-postgres #1324), and after
 * a time-out it must not be used again (#3399).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { sha256 } from '@keephold/crypto/verify';
import { Pool, type PoolClient } from 'pg';
import { type Sql, type SqlDatabase, SqlError, type SqlRow, type SqlValue } from '../sql.ts';
import { Turns } from '../turns.ts';
import { asSqlError, hasMetAnother, isUnavailable } from './postgres-failure.ts';
import type { PostgresOptions } from './postgres-options.ts';
import { postgresText } from './postgres-text.ts';
import { readerOf } from './postgres-values.ts';

const CONNECTIONS = 16;
const PATIENCE = 15_000;
/** For a connection, a new one or one of the pool. */
const CONNECT_LIMIT = 15_000;
/** As long as SQLite's lock is waited for. */
const LOCK_LIMIT = 120_000;
/** A process that stands still must not keep a lock for ever; storage that answers slowly takes less. */
const IDLE_LIMIT = 120_000;
/** Beyond every limit of the database itself: the line is dead. */
const ANSWER_LIMIT = LOCK_LIMIT + 30_000;
const FIRST_PAUSE = 20;
const LONGEST_PAUSE = 1000;
/** With pauses that double from 20 ms: some seconds of meeting others. */
const MEETINGS = 10;
const LIMITS = `SET LOCAL lock_timeout = ${LOCK_LIMIT}; SET LOCAL idle_in_transaction_session_timeout = ${IDLE_LIMIT}`;

export class PostgresDatabase implements SqlDatabase {
  readonly #options: PostgresOptions;
  readonly #pool: Pool;
  /** Of one lock only one waits at the database, so that one busy vault does not take all connections. */
  readonly #turns = new Map<bigint, { readonly turns: Turns; users: number }>();

  constructor(options: PostgresOptions) {
    this.#options = options;
    this.#pool = new Pool(poolOptions(options));
    // A connection that breaks while it is idle is dropped by the pool; one in use rejects its statement.
    this.#pool.on('error', () => {});
    this.#pool.on('connect', (client) => client.on('error', () => {}));
  }

  async read<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    const query: Sql['query'] = async (text, ...values) =>
      await this.#patiently(async () => await this.#onClient(async (client) => await ask(client, text, values)));
    return await work({ query });
  }

  async transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    for (let meetings = 1; ; meetings++) {
      try {
        return await this.#run(`BEGIN ISOLATION LEVEL SERIALIZABLE; ${LIMITS}`, work);
      } catch (error) {
        if (!hasMetAnother(error) || meetings === MEETINGS) throw error;
      }
      await this.#pause(meetings);
    }
  }

  async exclusive<T>(lock: Uint8Array, work: (sql: Sql) => Promise<T>): Promise<T> {
    const number = new DataView(sha256(lock).buffer).getBigInt64(0);
    // Each statement sees what was committed before it, and nobody else commits anything here meanwhile.
    const begin = `BEGIN ISOLATION LEVEL READ COMMITTED; ${LIMITS}; SELECT 1 FROM pg_advisory_xact_lock(${number})`;
    return await this.#inTurn(number, async () => await this.#run(begin, work));
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  async #inTurn<T>(lock: bigint, work: () => Promise<T>): Promise<T> {
    const entry = this.#turns.get(lock) ?? { turns: new Turns(), users: 0 };
    this.#turns.set(lock, entry);
    entry.users++;
    try {
      return await entry.turns.take(work);
    } finally {
      if (--entry.users === 0) this.#turns.delete(lock);
    }
  }

  async #run<T>(begin: string, work: (sql: Sql) => Promise<T>): Promise<T> {
    const client = await this.#patiently(async () => await this.#begun(begin));
    const query: Sql['query'] = async (text, ...values) => await ask(client, text, values);
    try {
      const result = await work({ query });
      await commit(client);
      client.release();
      return result;
    } catch (error) {
      await rollBack(client);
      throw error;
    }
  }

  /** A connection on which nothing but `begin` has been done. */
  async #begun(begin: string): Promise<PoolClient> {
    const client = await sent(async () => await this.#pool.connect());
    try {
      await sent(async () => await client.query(begin));
      return client;
    } catch (error) {
      client.release(true);
      throw error;
    }
  }

  async #onClient<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await sent(async () => await this.#pool.connect());
    try {
      const result = await work(client);
      client.release();
      return result;
    } catch (error) {
      client.release(isUnavailable(error));
      throw error;
    }
  }

  /** Waits for a database that is away. */
  async #patiently<T>(attempt: () => Promise<T>): Promise<T> {
    const start = performance.now();
    for (let attempts = 1; ; attempts++) {
      try {
        return await attempt();
      } catch (error) {
        const { patience = PATIENCE } = this.#options;
        if (!isUnavailable(error) || performance.now() - start > patience) throw error;
      }
      await this.#pause(attempts);
    }
  }

  /** With jitter: those who met, and all who wait for the same database, must not come back together. */
  async #pause(attempts: number): Promise<void> {
    await sleep(Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempts - 1)) * (0.5 + this.#options.random()));
  }
}

function poolOptions({ url, connections = CONNECTIONS }: PostgresOptions): ConstructorParameters<typeof Pool>[0] {
  return {
    ...{ connectionString: url, max: connections, fallback_application_name: 'keephold' },
    types: { getTypeParser: readerOf as never },
    ...{ connectionTimeoutMillis: CONNECT_LIMIT, query_timeout: ANSWER_LIMIT },
    ...{ keepAlive: true, keepAliveInitialDelayMillis: 10_000 },
  };
}

async function ask(client: PoolClient, text: string, values: readonly SqlValue[]): Promise<readonly SqlRow[]> {
  const statement = { text: postgresText(text), values: [...values], rowMode: 'array' } as const;
  return await sent(async () => (await client.query<SqlValue[]>(statement)).rows);
}

async function commit(client: PoolClient): Promise<void> {
  const { command } = await sent(async () => await client.query('COMMIT'));
  // What PostgreSQL makes of a COMMIT after a statement that failed.
  if (command !== 'COMMIT')
    throw new SqlError('failed', 'use database: a statement failed before the transaction ended');
}

async function sent<T>(send: () => Promise<T>): Promise<T> {
  try {
    return await send();
  } catch (error) {
    throw asSqlError(error);
  }
}

/** The connection is used again only when that went well. */
async function rollBack(client: PoolClient): Promise<void> {
  try {
    await client.query('ROLLBACK');
    client.release();
  } catch {
    client.release(true);
  }
}
