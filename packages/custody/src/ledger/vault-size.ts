/**
 * How many sealed bytes a vault has, in one row that whatever changes them keeps right in its own transaction: packs, also
 * those that no commit names yet or that nobody needs any more, and objects that commits name, each once. A vault without
 * the row was not counted yet; it is at its next change.
 */
import { storedLength } from '../pack-state.ts';
import type { PackTable } from './pack-table.ts';
import { numberAt, type Sql, type SqlRow } from './sql.ts';

export interface StoredSize {
  readonly packBytes: number;
  readonly objectBytes: number;
}

export class VaultSize {
  readonly #sql: Sql;
  readonly #vault: Uint8Array;

  /** `key`: what stands for the vault. */
  constructor(sql: Sql, key: Uint8Array) {
    this.#sql = sql;
    this.#vault = key;
  }

  async stored(): Promise<StoredSize | undefined> {
    const [row] = await this.#sql.query(
      'SELECT pack_bytes, object_bytes FROM vault_size WHERE vault_id = ?',
      this.#vault,
    );
    return row === undefined ? undefined : { packBytes: numberAt(row, 0), objectBytes: numberAt(row, 1) };
  }

  /** From all there is. */
  async counted(packs: PackTable): Promise<StoredSize> {
    let packBytes = 0;
    for (const shard of await packs.all()) {
      for (const [, entry] of shard.entries()) packBytes += storedLength(entry);
    }
    const rows = await this.#sql.query(
      'SELECT MAX(size) FROM named_object WHERE vault_id = ? GROUP BY name',
      this.#vault,
    );
    return { packBytes, objectBytes: rows.reduce((sum, row: SqlRow) => sum + numberAt(row, 0), 0) };
  }

  /** After `change` more bytes of packs were saved. */
  async addPacks(change: number, packs: PackTable): Promise<void> {
    if (change === 0) return;
    if ((await this.stored()) !== undefined) {
      await this.#sql.query(
        'UPDATE vault_size SET pack_bytes = pack_bytes + ? WHERE vault_id = ?',
        change,
        this.#vault,
      );
      return;
    }
    const { packBytes, objectBytes } = await this.counted(packs);
    await this.#sql.query(
      'INSERT INTO vault_size (vault_id, pack_bytes, object_bytes) VALUES (?, ?, ?)',
      this.#vault,
      packBytes,
      objectBytes,
    );
  }
}
