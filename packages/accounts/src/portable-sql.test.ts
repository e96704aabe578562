/** Every statement must mean the same to SQLite and PostgreSQL, as those of the ledger. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ONE_DIALECT =
  /\b(PRAGMA|INSERT OR|REPLACE INTO|ROWID|AUTOINCREMENT|GLOB|IFNULL|STRFTIME|GROUP_CONCAT|HEX|SERIAL|BYTEA|RETURNING|ILIKE|ARRAY|FOR UPDATE|SKIP LOCKED)\b|::/;

describe('statements of the accounts', () => {
  it('use only what both dialects know', async () => {
    const names = (await readdir(import.meta.dirname, { recursive: true })).filter((name) =>
      /(?<!\.test)\.ts$/.test(name),
    );
    const texts = await Promise.all(names.map((name) => readFile(join(import.meta.dirname, name), 'utf8')));
    const statements = texts.flatMap((text) =>
      [...text.matchAll(/(?<=['`])(?:SELECT|INSERT|UPDATE|DELETE|CREATE)[^'`]*/g)].map(([statement]) => statement),
    );
    expect(statements.length).toBeGreaterThan(25);
    for (const statement of statements) expect(statement).not.toMatch(ONE_DIALECT);
  });
});
