/** The packs of one vault inside one transaction: shards are read when first touched and written by `save`. */
import type { PackIdList } from '@keephold/protocol';
import { type PackEntry, type PackState, storedLength } from '../pack-state.ts';
import { PackShard } from './pack-shard.ts';
import { bytesAt, numberAt, type Sql } from './sql.ts';

const ID = 32;

export class PackTable {
  readonly #sql: Sql;
  readonly #vault: Uint8Array;
  readonly #shards = new Map<number, PackShard>();
  #complete = false;
  #change = 0;

  /** `key`: what stands for the vault. */
  constructor(sql: Sql, key: Uint8Array) {
    this.#sql = sql;
    this.#vault = key;
  }

  async get(id: Uint8Array): Promise<PackEntry | undefined> {
    return (await this.#shardOf(id)).get(id);
  }

  async set(id: Uint8Array, entry: PackEntry): Promise<void> {
    const shard = await this.#shardOf(id);
    this.#change += storedLength(entry) - lengthIn(shard, id);
    shard.set(id, entry);
  }

  async remove(id: Uint8Array): Promise<void> {
    const shard = await this.#shardOf(id);
    this.#change -= lengthIn(shard, id);
    shard.remove(id);
  }

  /** Ids of all packs in one of the states, sorted. */
  async ids(wanted: (state: PackState) => boolean): Promise<PackIdList> {
    const shards = await this.all();
    const target = new Uint8Array(ID * shards.reduce((sum, shard) => sum + shard.count, 0));
    let length = 0;
    for (const shard of shards) length = shard.copyIds(wanted, target, length);
    return length === target.length ? target : target.slice(0, length);
  }

  /** All shards in the order of ids. */
  async all(): Promise<readonly PackShard[]> {
    if (!this.#complete) {
      const rows = await this.#sql.query('SELECT shard, records FROM pack_shard WHERE vault_id = ?', this.#vault);
      for (const row of rows) {
        const number = numberAt(row, 0);
        if (!this.#shards.has(number)) this.#shards.set(number, new PackShard(bytesAt(row, 1)));
      }
      this.#complete = true;
    }
    return [...this.#shards].sort(([a], [b]) => a - b).map(([, shard]) => shard);
  }

  /** Answers by how many bytes of packs more, or less, the vault has now. */
  async save(): Promise<number> {
    for (const [number, shard] of this.#shards) {
      if (!shard.changed) continue;
      await this.#sql.query(
        `INSERT INTO pack_shard (vault_id, shard, records) VALUES (?, ?, ?)
         ON CONFLICT (vault_id, shard) DO UPDATE SET records = excluded.records`,
        this.#vault,
        number,
        shard.stored(),
      );
    }
    this.#shards.clear();
    this.#complete = false;
    const change = this.#change;
    this.#change = 0;
    return change;
  }

  async #shardOf(id: Uint8Array): Promise<PackShard> {
    const number = id[0] as number;
    let shard = this.#shards.get(number);
    if (shard === undefined) {
      const rows = this.#complete
        ? []
        : await this.#sql.query('SELECT records FROM pack_shard WHERE vault_id = ? AND shard = ?', this.#vault, number);
      const row = rows[0];
      shard = new PackShard(row === undefined ? undefined : bytesAt(row, 0));
      this.#shards.set(number, shard);
    }
    return shard;
  }
}

function lengthIn(shard: PackShard, id: Uint8Array): number {
  const entry = shard.get(id);
  return entry === undefined ? 0 : storedLength(entry);
}
