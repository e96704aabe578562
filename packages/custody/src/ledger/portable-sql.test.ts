/** Every statement must mean the same to SQLite and PostgreSQL; what one of them alone knows does not get in. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ONLY_SQLITE =
  /\b(PRAGMA|INSERT OR|REPLACE INTO|WITHOUT ROWID|ROWID|AUTOINCREMENT|GLOB|IFNULL|STRFTIME|DATETIME|GROUP_CONCAT|HEX|TYPEOF|LAST_INSERT_ROWID|INDEXED BY)\b/;
const ONLY_POSTGRES = /\b(SERIAL|BYTEA|RETURNING|ILIKE|ARRAY|UNNEST|STRING_AGG|FOR UPDATE|SKIP LOCKED)\b|::/;

describe('statements of the ledger', () => {
  it('use only what both dialects know', async () => {
    const names = (await readdir(import.meta.dirname)).filter(
      (name) => /(?<!\.test)\.ts$/.test(name) && name !== 'sqlite-database.ts',
    );
    let statements = 0;
    for (const name of names) {
      const text = await readFile(join(import.meta.dirname, name), 'utf8');
      for (const [statement] of text.matchAll(
        /(?<=['`])(?:SELECT|INSERT|UPDATE|DELETE|CREATE|ledger \(|vault \()[^'`]*/g,
      )) {
        statements += 1;
        expect(statement).not.toMatch(ONLY_SQLITE);
        expect(statement).not.toMatch(ONLY_POSTGRES);
      }
    }
    expect(statements).toBeGreaterThan(15);
  });
});
