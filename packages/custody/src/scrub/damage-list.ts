/**
 * What scrubbing found damaged and could not repair, for those who run a server. It is told from here and kept safe
 * nowhere: the next turns find it again.
 */
import { toHex } from '@keephold/bytes';
import { type AccountId, asAccountId, type VaultId } from '@keephold/protocol';
import { migrate } from '../ledger/migrate.ts';
import { bytesAt, numberAt, type Sql, type SqlDatabase } from '../ledger/sql.ts';
import type { DamagedItem } from '../upkeep.ts';

const MIGRATIONS = [
  [
    `CREATE TABLE damage (account_id BLOB NOT NULL, vault_id BLOB NOT NULL, kind BIGINT NOT NULL, name BLOB NOT NULL,
      found_at BIGINT NOT NULL, PRIMARY KEY (account_id, vault_id, kind, name))`,
  ],
];
const KINDS: readonly DamagedItem['kind'][] = ['pack', 'object'];
/** Of a vault: a disk that lost everything must not fill the database too. */
const MOST = 1000;

export interface AccountDamage {
  readonly accountId: AccountId;
  readonly items: number;
}

export class DamageList {
  readonly #database: SqlDatabase;

  private constructor(database: SqlDatabase) {
    this.#database = database;
  }

  static async open(database: SqlDatabase): Promise<DamageList> {
    await migrate(database, { versionTable: 'damage_version', migrations: MIGRATIONS });
    return new DamageList(database);
  }

  async of(accountId: AccountId, vault: VaultId): Promise<readonly DamagedItem[]> {
    return await this.#database.read(async (sql) => await itemsOf(sql, accountId, vault));
  }

  /** What is damaged now, instead of what was; at most a thousand of it. Answers how much of it is new. */
  async replace(accountId: AccountId, vault: VaultId, { items, now }: DamageFound): Promise<number> {
    return await this.#database.transaction(async (sql) => {
      const before = new Map((await itemsOf(sql, accountId, vault)).map((item) => [keyOf(item), item]));
      const after = new Map(items.slice(0, MOST).map((item) => [keyOf(item), item]));
      for (const [key, { kind, name }] of before) {
        if (after.has(key)) continue;
        await sql.query(
          'DELETE FROM damage WHERE account_id = ? AND vault_id = ? AND kind = ? AND name = ?',
          ...[accountId, vault, KINDS.indexOf(kind), name],
        );
      }
      const added = [...after].filter(([key]) => !before.has(key));
      for (const [, { kind, name }] of added) {
        await sql.query(
          'INSERT INTO damage (account_id, vault_id, kind, name, found_at) VALUES (?, ?, ?, ?, ?)',
          ...[accountId, vault, KINDS.indexOf(kind), name, now],
        );
      }
      return added.length;
    });
  }

  async byAccount(): Promise<readonly AccountDamage[]> {
    const rows = await this.#database.read(
      async (sql) => await sql.query('SELECT account_id, COUNT(*) FROM damage GROUP BY account_id'),
    );
    return rows.map((row) => ({ accountId: asAccountId(bytesAt(row, 0)), items: numberAt(row, 1) }));
  }

  async count(): Promise<number> {
    const [row] = await this.#database.read(async (sql) => await sql.query('SELECT COUNT(*) FROM damage'));
    return row === undefined ? 0 : numberAt(row, 0);
  }
}

export interface DamageFound {
  readonly items: readonly DamagedItem[];
  /** Unix milliseconds. */
  readonly now: number;
}

async function itemsOf(sql: Sql, accountId: AccountId, vault: VaultId): Promise<readonly DamagedItem[]> {
  const rows = await sql.query(
    'SELECT kind, name FROM damage WHERE account_id = ? AND vault_id = ?',
    ...[accountId, vault],
  );
  return rows.map((row) => ({ kind: KINDS[numberAt(row, 0)] ?? 'object', name: bytesAt(row, 1) }));
}

function keyOf({ kind, name }: DamagedItem): string {
  return `${kind} ${toHex(name)}`;
}
