/** Wrapper that tells how long each use of a database took, and which failed. */
import { type SqlDatabase, SqlError } from './sql.ts';

export type DatabaseUse = 'read' | 'transaction' | 'exclusive';
/** `outcome` is 'done' or the code of the failure. */
export type OnDatabaseUse = (use: DatabaseUse, outcome: string, seconds: number) => void;

export function measuredDatabase(inner: SqlDatabase, onUse: OnDatabaseUse): SqlDatabase {
  const timed = async <T>(use: DatabaseUse, run: () => Promise<T>): Promise<T> => {
    const start = performance.now();
    let outcome = 'failed';
    try {
      const result = await run();
      outcome = 'done';
      return result;
    } catch (error) {
      // What is no failure of the database is of the work in it.
      outcome = error instanceof SqlError ? error.code : 'refused';
      throw error;
    } finally {
      onUse(use, outcome, (performance.now() - start) / 1000);
    }
  };
  return {
    read: async (work) => await timed('read', async () => await inner.read(work)),
    transaction: async (work) => await timed('transaction', async () => await inner.transaction(work)),
    exclusive: async (lock, work) => await timed('exclusive', async () => await inner.exclusive(lock, work)),
    close: async () => await inner.close(),
  };
}
