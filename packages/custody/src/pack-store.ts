/** Packs and objects as files, and the ledger's word on them. */
import type { Backend, GetOptions } from '@keephold/backend';
import { equalBytes, toHex } from '@keephold/bytes';
import { sha256 } from '@keephold/crypto/verify';
import {
  CustodyError,
  type ObjectName,
  PACK_HEADER_LENGTH,
  type PackHeader,
  type PackId,
  type PackIdList,
  type PageRange,
  type PutPackOptions,
  packLength,
  parsePackHeader,
  SEALED_PAGE_LENGTH,
  type VaultId,
} from '@keephold/protocol';
import type { KeeperClock } from './clock.ts';
import { refusingMalformed } from './custody-failure.ts';
import { damagedPackName, objectName, packName } from './layout.ts';
import type { Ledger } from './ledger/ledger.ts';
import { ledgerTime } from './ledger/vault-transaction.ts';
import { afterPut, afterRenewal, DAY, isReferable, mustLookAtPut } from './pack-state.ts';

/** format.md §5: a sealed object has at most 16 MiB; its header and tag come on top. */
const LARGEST_OBJECT = 16 * 1024 * 1024 + 4096;
const READS_AT_ONCE = 16;

interface VaultLease {
  /** Uncommitted packs of this process. */
  readonly packs: Map<string, PackId>;
  renewedAt: number;
}

export class PackStore {
  readonly #backend: Backend;
  readonly #ledger: Ledger;
  readonly #clock: KeeperClock;
  readonly #leases = new Map<string, VaultLease>();

  constructor(options: { readonly backend: Backend; readonly ledger: Ledger; readonly clock: KeeperClock }) {
    this.#backend = options.backend;
    this.#ledger = options.ledger;
    this.#clock = options.clock;
  }

  /**
   * The pack is not hashed here: in this process the writer has just done so, and a second pass would cost as much as
   * the encryption. What reads every byte, `check`, does; a server does at ingest.
   */
  async putPack(
    vault: VaultId,
    id: PackId,
    bytes: Uint8Array,
    { onTaken, signal }: PutPackOptions = {},
  ): Promise<void> {
    const header = checkPack(vault, id, bytes);
    const name = packName(vault, id);
    const stored = await this.#backend.stat(name);
    const options = {
      sha256: id,
      ...(onTaken !== undefined && { onWritten: onTaken }),
      ...(signal !== undefined && { signal }),
    };
    // Cut short by a broken disk or a foreign hand: the right bytes are at hand, so they replace it.
    if (stored !== undefined && stored.size !== bytes.length) {
      if (!equalBytes(sha256(bytes), id)) {
        throw new CustodyError('refused', `store pack ${toHex(id)}: it is there, and these bytes are not the pack`);
      }
      await this.#backend.put(name, bytes, options);
    }
    // Also when it is there: whoever wrote it may have died before its name was durable.
    else await this.#backend.putNew(name, bytes, options);
    await this.#ledger.write(vault, async (transaction) => {
      const { packs } = transaction;
      const now = await ledgerTime(this.#clock, transaction);
      const before = await packs.get(id);
      if (mustLookAtPut(before) && (await this.#backend.stat(name)) === undefined) {
        throw new CustodyError('unavailable', `store pack ${toHex(id)}: it was damaged and set aside; try again`);
      }
      const after = afterPut(before, { kind: header.kind, pages: header.pageCount }, now);
      if (after === undefined) {
        throw new CustodyError('unavailable', `store pack ${toHex(id)}: it is being deleted; try again later`);
      }
      await packs.set(id, after);
      if (after.state === 'pending')
        this.#leaseOf(vault).packs.set(toHex(id), new Uint8Array(id) as Uint8Array as PackId);
    });
    await this.renewLeases(vault);
  }

  /** Renews, once a day, the leases of what this process has stored and not committed. */
  async renewLeases(vault: VaultId): Promise<void> {
    const lease = this.#leaseOf(vault);
    const now = this.#clock.now();
    if (now - lease.renewedAt < DAY) return;
    lease.renewedAt = now;
    if (lease.packs.size === 0) return;
    await this.#ledger.write(vault, async (transaction) => {
      const time = await ledgerTime(this.#clock, transaction);
      for (const [key, id] of lease.packs) {
        const entry = await transaction.packs.get(id);
        if (entry?.state === 'pending') await transaction.packs.set(id, afterRenewal(entry, time));
        else lease.packs.delete(key);
      }
    });
  }

  async referable(vault: VaultId): Promise<PackIdList> {
    return await this.#ledger.read(vault, async ({ packs }) => await packs.ids(isReferable));
  }

  async getPack(vault: VaultId, id: PackId, into: Uint8Array, range?: PageRange): Promise<number | undefined> {
    if (range === undefined) return (await this.#read(vault, id, { into }))?.length;
    const length = range.count * SEALED_PAGE_LENGTH;
    if (into.length < length) {
      throw new CustodyError('refused', `read pack ${toHex(id)}: ${range.count} pages into ${into.length} bytes`);
    }
    const offset = PACK_HEADER_LENGTH + range.first * SEALED_PAGE_LENGTH;
    return (await this.#read(vault, id, { into, offset, length }))?.length;
  }

  /** From the pack; from what was set aside of it where there is none: its readers check every page. */
  async #read(vault: VaultId, id: PackId, options: GetOptions): Promise<Uint8Array | undefined> {
    return (
      (await this.#backend.get(packName(vault, id), options)) ??
      (await this.#backend.get(damagedPackName(vault, id), options))
    );
  }

  async putObject(vault: VaultId, name: ObjectName, bytes: Uint8Array): Promise<void> {
    if (bytes.length > LARGEST_OBJECT || !equalBytes(sha256(bytes), name)) {
      throw new CustodyError('refused', `store object ${toHex(name)}: its bytes do not have that name`);
    }
    const path = objectName(vault, name);
    if ((await this.#backend.putNew(path, bytes, { sha256: name })) !== 'exists') return;
    const stored = await this.#backend.get(path, { length: bytes.length + 1 });
    // Whoever has the bytes of the name mends what is rotten or cut short under it.
    if (stored === undefined || !equalBytes(stored, bytes)) await this.#backend.put(path, bytes, { sha256: name });
    // Its age protects an object that no commit names yet.
    else await this.#backend.touch(path);
  }

  async getObjects(vault: VaultId, names: readonly ObjectName[]): Promise<readonly (Uint8Array | undefined)[]> {
    const found: (Uint8Array | undefined)[] = [];
    for (let at = 0; at < names.length; at += READS_AT_ONCE) {
      const batch = names.slice(at, at + READS_AT_ONCE);
      const options = { length: LARGEST_OBJECT };
      found.push(
        ...(await Promise.all(batch.map(async (name) => await this.#backend.get(objectName(vault, name), options)))),
      );
    }
    return found;
  }

  #leaseOf(vault: VaultId): VaultLease {
    const key = toHex(vault);
    let lease = this.#leases.get(key);
    if (lease === undefined) {
      lease = { packs: new Map(), renewedAt: this.#clock.now() };
      this.#leases.set(key, lease);
    }
    return lease;
  }
}

/** @throws CustodyError 'refused' unless header, length and vault fit (format.md §4). */
function checkPack(vault: VaultId, id: PackId, bytes: Uint8Array): PackHeader {
  const header = refusingMalformed(() => parsePackHeader(bytes));
  if (bytes.length !== packLength(header.pageCount)) {
    throw new CustodyError('refused', `store pack ${toHex(id)}: ${bytes.length} bytes for ${header.pageCount} pages`);
  }
  if (!equalBytes(header.vaultId, vault)) {
    throw new CustodyError('refused', `store pack ${toHex(id)}: it is for vault ${toHex(header.vaultId)}`);
  }
  return header;
}
