/** The statements about one vault: head, commits, named objects, days of use. Packs: pack-table.ts. */
import type { Commit, DeviceId, ObjectName, SnapshotRecord, StreamId } from '@keephold/protocol';
import { bytesAt, numberAt, optionalNumberAt, type Sql, SqlError, type SqlRow } from './sql.ts';

export interface VaultRow {
  readonly headSeq: number;
  readonly headHash: Uint8Array;
  /** Never falls: the latest time this ledger has used. */
  readonly time: number;
  readonly keychainSeq: number;
}

/** none: no snapshot. gone: expired and its object deleted. */
export type CommitState = 'none' | 'active' | 'trashed' | 'expired' | 'gone';
const STATES: readonly CommitState[] = ['none', 'active', 'trashed', 'expired', 'gone'];
/** lost: its file was damaged or gone when the ledger was made; what it said is not known. */
export type RowKind = Commit['kind'] | 'lost';
const KINDS: readonly RowKind[] = ['snapshot', 'checkpoint', 'heal', 'keeper-event', 'index-maintenance', 'lost'];

export interface CommitRow {
  readonly seq: number;
  readonly hash: Uint8Array;
  readonly kind: RowKind;
  readonly deviceId: DeviceId | undefined;
  readonly streamId: StreamId | undefined;
  readonly object: ObjectName | undefined;
  readonly receivedAt: number;
  /** 0: none. For heals the snapshot that is healed. */
  readonly parentSeq: number;
  readonly refsetDigest: Uint8Array | undefined;
  readonly state: CommitState;
  /** When it was trashed, or expired; else 0. */
  readonly trashedAt: number;
}

export type ObjectRole = 'snapshot' | 'index' | 'session';
const ROLES: readonly ObjectRole[] = ['snapshot', 'index', 'session'];

export interface NamedObject {
  readonly name: ObjectName;
  /** Whose commit names it. */
  readonly deviceId: DeviceId;
  /** The first commit of that device that names it. */
  readonly seq: number;
  readonly role: ObjectRole;
  readonly size: number;
  /** 0: not superseded. */
  readonly supersededAt: number;
}

const COMMIT_COLUMNS =
  'seq, hash, kind, device_id, stream_id, object, received_at, parent_seq, refset_digest, state, trashed_at';

export class VaultLedger {
  readonly #sql: Sql;
  readonly #vault: Uint8Array;

  /** `key`: what stands for the vault. */
  constructor(sql: Sql, key: Uint8Array) {
    this.#sql = sql;
    this.#vault = key;
  }

  async vault(): Promise<VaultRow | undefined> {
    const rows = await this.#sql.query(
      'SELECT head_seq, head_hash, ledger_time, keychain_seq FROM vault WHERE vault_id = ?',
      this.#vault,
    );
    const row = rows[0];
    if (row === undefined) return undefined;
    return {
      headSeq: numberAt(row, 0),
      headHash: bytesAt(row, 1),
      time: numberAt(row, 2),
      keychainSeq: numberAt(row, 3),
    };
  }

  async saveVault(row: VaultRow): Promise<void> {
    await this.#sql.query(
      `INSERT INTO vault (vault_id, head_seq, head_hash, ledger_time, keychain_seq) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (vault_id) DO UPDATE SET head_seq = excluded.head_seq, head_hash = excluded.head_hash,
         ledger_time = excluded.ledger_time, keychain_seq = excluded.keychain_seq`,
      this.#vault,
      row.headSeq,
      row.headHash,
      row.time,
      row.keychainSeq,
    );
  }

  async forget(): Promise<void> {
    for (const table of ['vault', 'chain_commit', 'named_object', 'pack_shard', 'use_day', 'vault_size']) {
      await this.#sql.query(`DELETE FROM ${table} WHERE vault_id = ?`, this.#vault);
    }
  }

  async addCommit(row: CommitRow): Promise<void> {
    await this.#sql.query(
      `INSERT INTO chain_commit (vault_id, ${COMMIT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      this.#vault,
      row.seq,
      row.hash,
      KINDS.indexOf(row.kind),
      row.deviceId ?? null,
      row.streamId ?? null,
      row.object ?? null,
      row.receivedAt,
      row.parentSeq,
      row.refsetDigest ?? null,
      STATES.indexOf(row.state),
      row.trashedAt,
    );
  }

  /** A commit of which only the hash is known, at most. It becomes the head. */
  async addLost(seq: number, hash: Uint8Array): Promise<void> {
    const nothing = { deviceId: undefined, streamId: undefined, object: undefined, refsetDigest: undefined };
    await this.addCommit({
      ...nothing,
      seq,
      hash,
      kind: 'lost',
      receivedAt: 0,
      parentSeq: 0,
      state: 'none',
      trashedAt: 0,
    });
    const row = await this.vault();
    if (row !== undefined) await this.saveVault({ ...row, headSeq: seq, headHash: hash });
  }

  async commit(seq: number): Promise<CommitRow | undefined> {
    const rows = await this.#sql.query(
      `SELECT ${COMMIT_COLUMNS} FROM chain_commit WHERE vault_id = ? AND seq = ?`,
      this.#vault,
      seq,
    );
    return rows[0] === undefined ? undefined : commitRow(rows[0]);
  }

  async commits(): Promise<readonly CommitRow[]> {
    const rows = await this.#sql.query(
      `SELECT ${COMMIT_COLUMNS} FROM chain_commit WHERE vault_id = ? ORDER BY seq`,
      this.#vault,
    );
    return rows.map(commitRow);
  }

  /** The last commit that healed the snapshot. */
  async latestHeal(snapshot: number): Promise<number | undefined> {
    const rows = await this.#sql.query(
      'SELECT MAX(seq) FROM chain_commit WHERE vault_id = ? AND kind = ? AND parent_seq = ?',
      this.#vault,
      KINDS.indexOf('heal'),
      snapshot,
    );
    return rows[0] === undefined ? undefined : optionalNumberAt(rows[0], 0);
  }

  /** Of a snapshot, or of a commit that may be one: given up unread, it may turn out to be another when it is mended. */
  async setState(seq: number, state: CommitState, trashedAt: number): Promise<void> {
    await this.#sql.query(
      `UPDATE chain_commit SET state = ?, trashed_at = ?
       WHERE vault_id = ? AND seq = ? AND (state <> ? OR kind = ?)`,
      STATES.indexOf(state),
      trashedAt,
      this.#vault,
      seq,
      STATES.indexOf('none'),
      KINDS.indexOf('lost'),
    );
  }

  async nameObject(object: NamedObject): Promise<void> {
    await this.#sql.query(
      `UPDATE vault_size SET object_bytes = object_bytes + ? WHERE vault_id = ?
       AND NOT EXISTS (SELECT 1 FROM named_object WHERE vault_id = ? AND name = ?)`,
      object.size,
      this.#vault,
      this.#vault,
      object.name,
    );
    await this.#sql.query(
      `INSERT INTO named_object (vault_id, name, device_id, seq, role, size, superseded_at)
       VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (vault_id, name, device_id) DO NOTHING`,
      this.#vault,
      object.name,
      object.deviceId,
      object.seq,
      ROLES.indexOf(object.role),
      object.size,
      object.supersededAt,
    );
  }

  /** Only what the device itself named: a device may not decide over objects of another (security.md §3.4 P6). */
  async supersede(
    name: ObjectName,
    { deviceId, at }: { readonly deviceId: DeviceId; readonly at: number },
  ): Promise<void> {
    await this.#sql.query(
      `UPDATE named_object SET superseded_at = ?
       WHERE vault_id = ? AND name = ? AND device_id = ? AND superseded_at = 0`,
      at,
      this.#vault,
      name,
      deviceId,
    );
  }

  /** One row for each device that names an object; those of one object follow each other. */
  async objects(): Promise<readonly NamedObject[]> {
    const rows = await this.#sql.query(
      'SELECT name, seq, role, size, superseded_at, device_id FROM named_object WHERE vault_id = ? ORDER BY name, seq',
      this.#vault,
    );
    return rows.map((row) => ({
      name: bytesAt(row, 0) as ObjectName,
      seq: numberAt(row, 1),
      role: pick(ROLES, numberAt(row, 2)),
      size: numberAt(row, 3),
      supersededAt: numberAt(row, 4),
      deviceId: bytesAt(row, 5) as DeviceId,
    }));
  }

  async objectNames(): Promise<readonly Uint8Array[]> {
    const rows = await this.#sql.query('SELECT name FROM named_object WHERE vault_id = ?', this.#vault);
    return rows.map((row) => bytesAt(row, 0));
  }

  async isNamed(name: Uint8Array): Promise<boolean> {
    const rows = await this.#sql.query('SELECT 1 FROM named_object WHERE vault_id = ? AND name = ?', this.#vault, name);
    return rows.length > 0;
  }

  async forgetObject(name: Uint8Array): Promise<void> {
    await this.#sql.query(
      `UPDATE vault_size SET object_bytes = object_bytes -
         COALESCE((SELECT MAX(size) FROM named_object WHERE vault_id = ? AND name = ?), 0) WHERE vault_id = ?`,
      this.#vault,
      name,
      this.#vault,
    );
    await this.#sql.query('DELETE FROM named_object WHERE vault_id = ? AND name = ?', this.#vault, name);
  }

  /** Remembers that the vault was used on this day. */
  async use(at: number, dayLength: number): Promise<void> {
    await this.#sql.query(
      'INSERT INTO use_day (vault_id, day, used_at) VALUES (?, ?, ?) ON CONFLICT (vault_id, day) DO NOTHING',
      this.#vault,
      Math.floor(at / dayLength),
      at,
    );
  }

  /** First use of each day, ascending. */
  async uses(): Promise<readonly number[]> {
    const rows = await this.#sql.query('SELECT used_at FROM use_day WHERE vault_id = ? ORDER BY day', this.#vault);
    return rows.map((row) => numberAt(row, 0));
  }
}

/** What the seam shows of a commit; undefined when it is no snapshot, or gone. */
export function snapshotRecord(row: CommitRow, trashDelay: number): SnapshotRecord | undefined {
  const { kind, state, deviceId, streamId, object } = row;
  if (kind !== 'snapshot' && kind !== 'checkpoint') return undefined;
  if (state === 'none' || state === 'gone') return undefined;
  if (deviceId === undefined || streamId === undefined || object === undefined) {
    throw new SqlError('damaged', `read ledger: snapshot ${row.seq} lacks a column`);
  }
  return {
    seq: row.seq,
    kind: kind === 'snapshot' ? 'complete' : 'checkpoint',
    deviceId,
    streamId,
    object,
    receivedAt: row.receivedAt,
    state,
    expiresAt: state === 'trashed' ? row.trashedAt + trashDelay : undefined,
  };
}

function commitRow(row: SqlRow): CommitRow {
  return {
    seq: numberAt(row, 0),
    hash: bytesAt(row, 1),
    kind: pick(KINDS, numberAt(row, 2)),
    deviceId: optionalBytes(row, 3) as DeviceId | undefined,
    streamId: optionalBytes(row, 4) as StreamId | undefined,
    object: optionalBytes(row, 5) as ObjectName | undefined,
    receivedAt: numberAt(row, 6),
    parentSeq: numberAt(row, 7),
    refsetDigest: optionalBytes(row, 8),
    state: pick(STATES, numberAt(row, 9)),
    trashedAt: numberAt(row, 10),
  };
}

function optionalBytes(row: SqlRow, index: number): Uint8Array | undefined {
  return row[index] === null ? undefined : bytesAt(row, index);
}

function pick<T>(values: readonly T[], index: number): T {
  const value = values[index];
  if (value === undefined) throw new SqlError('damaged', `read ledger: ${index} is no known value`);
  return value;
}
