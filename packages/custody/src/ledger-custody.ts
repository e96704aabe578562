/** The Custody seam over a Backend and a ledger: each member names the part that does it and turns its errors. */
import type { Backend, FolderBackend } from '@keephold/backend';
import {
  type AccountId,
  type AccountUsage,
  type AuditFinding,
  type AuditOptions,
  type CollectOptions,
  type CommitOutcome,
  type CommitRequest,
  type CustodyProperties,
  type DeviceId,
  type Head,
  type Hold,
  type ObjectName,
  type PackId,
  type PackIdList,
  type PageRange,
  type PurgeReport,
  type PutPackOptions,
  type RecordedDelta,
  type RestatedRefset,
  type RetentionChange,
  type SnapshotRecord,
  type StoredCommit,
  type UnknownRefset,
  type Usage,
  type VaultId,
  vaultRecord,
} from '@keephold/protocol';
import type { AccountRecords } from './account/account-records.ts';
import { ChainStore } from './chain/chain-store.ts';
import type { KeeperClock } from './clock.ts';
import { commitToVault, headOf } from './commit/commit-vault.ts';
import { asCustodyError } from './custody-failure.ts';
import { auditVault } from './heal/audit.ts';
import { lostPacks, setAsideDamaged } from './heal/lost-packs.ts';
import { putBackCommit } from './heal/put-back-commit.ts';
import { recordedDelta, restateRefset, unknownRefsets } from './heal/restate-refsets.ts';
import type { KeeperSigner } from './keeper-signer.ts';
import type { Ledger } from './ledger/ledger.ts';
import { snapshotRecord } from './ledger/vault-ledger.ts';
import { vaultRow } from './ledger/vault-transaction.ts';
import { DAY } from './pack-state.ts';
import { PackStore } from './pack-store.ts';
import { auditParity } from './parity/audit-parity.ts';
import { MissingParity } from './parity/missing-parity.ts';
import type { ParitySetting } from './parity/parity-backend.ts';
import { replicateVault } from './replica/replicate-vault.ts';
import { collectVault } from './retention/collect.ts';
import { setHold, standingHold } from './retention/hold.ts';
import { trashSnapshots, untrashSnapshots } from './retention/trash.ts';
import { usageOf } from './retention/usage.ts';
import { scrubVault } from './scrub/scrub-vault.ts';
import type { KeptCustody, ReplicateOptions, ReplicationReport, ScrubOptions, ScrubReport } from './upkeep.ts';

export interface LedgerCustodyParts {
  readonly backend: Backend;
  /** The same without parity. */
  readonly plain: Backend;
  /** `plain` where it is a folder. */
  readonly folder: FolderBackend | undefined;
  readonly parity: ParitySetting | undefined;
  readonly account: AccountRecords;
  readonly ledger: Ledger;
  readonly clock: KeeperClock;
  readonly signer: KeeperSigner | undefined;
}

export class LedgerCustody implements KeptCustody {
  readonly properties: CustodyProperties;
  readonly #parts: LedgerCustodyParts;
  readonly #packs: PackStore;
  readonly #missing: MissingParity | undefined;

  constructor(parts: LedgerCustodyParts) {
    const { writesInFlight, readsInFlight, writerCanDestroy } = parts.backend.properties;
    this.properties = {
      uploadsInFlight: writesInFlight,
      downloadsInFlight: readsInFlight,
      writerCanDestroy,
      parityPercent: parts.parity?.percent ?? 0,
    };
    this.#parts = parts;
    this.#packs = new PackStore(parts);
    const { backend, folder, parity } = parts;
    this.#missing = folder && parity && new MissingParity(folder, { backend, ...parity });
  }

  async accountId(): Promise<AccountId> {
    return await this.#parts.account.accountId();
  }

  async keychain(fromSeq: number): Promise<readonly Uint8Array[]> {
    return await translated(async () => await this.#parts.account.keychain(fromSeq));
  }

  async appendKeychain(entry: Uint8Array): Promise<'appended' | 'head-moved'> {
    return await translated(async () => await this.#parts.account.appendKeychain(entry));
  }

  async slots(): Promise<readonly Uint8Array[]> {
    return await translated(async () => await this.#parts.account.slots());
  }

  async putSlot(slotId: Uint8Array, record: Uint8Array): Promise<void> {
    await translated(async () => await this.#parts.account.putSlot(slotId, record));
  }

  async removeSlot(slotId: Uint8Array): Promise<void> {
    await translated(async () => await this.#parts.account.removeSlot(slotId));
  }

  async keyring(): Promise<Uint8Array | undefined> {
    return await translated(async () => await this.#parts.account.keyring());
  }

  async putKeyring(sealed: Uint8Array): Promise<void> {
    await translated(async () => await this.#parts.account.putKeyring(sealed));
  }

  async putGrant(name: ObjectName, sealed: Uint8Array): Promise<void> {
    await translated(async () => await this.#parts.account.putGrant(name, sealed));
  }

  async grant(name: ObjectName): Promise<Uint8Array | undefined> {
    return await translated(async () => await this.#parts.account.grant(name));
  }

  async head(vault: VaultId): Promise<Head> {
    return await translated(
      async () => await this.#parts.ledger.read(vault, async (transaction) => headOf(await vaultRow(transaction))),
    );
  }

  async openSession(vault: VaultId): Promise<void> {
    await translated(async () => {
      await this.#parts.folder?.removeStaleTemporaries(this.#parts.clock.now());
      await this.#packs.renewLeases(vault);
      this.#missing?.begin(vault);
    });
  }

  async putObject(vault: VaultId, name: ObjectName, bytes: Uint8Array): Promise<void> {
    await translated(async () => await this.#packs.putObject(vault, name, bytes));
  }

  async putPack(vault: VaultId, packId: PackId, bytes: Uint8Array, options?: PutPackOptions): Promise<void> {
    await translated(async () => await this.#packs.putPack(vault, packId, bytes, options));
  }

  async commit(vault: VaultId, request: CommitRequest): Promise<CommitOutcome> {
    return await translated(async () => {
      await this.#packs.renewLeases(vault);
      this.#missing?.beginOnce(vault);
      return await commitToVault(this.#parts, vault, request);
    });
  }

  async referablePacks(vault: VaultId): Promise<PackIdList> {
    return await translated(async () => await this.#packs.referable(vault));
  }

  async *commits(vault: VaultId, sinceSeq: number): AsyncGenerator<StoredCommit> {
    try {
      const head = await this.head(vault);
      yield* new ChainStore(this.#parts.backend, vault).since(sinceSeq, head.seq);
    } catch (error) {
      throw asCustodyError(error);
    }
  }

  async snapshots(vault: VaultId): Promise<readonly SnapshotRecord[]> {
    return await translated(async () => {
      const rows = await this.#parts.ledger.read(vault, async ({ ledger }) => await ledger.commits());
      // The keychain is walked only for what depends on it.
      const delay = rows.some(({ state }) => state === 'trashed') ? await this.#trashDelay(vault) : 0;
      return rows.map((row) => snapshotRecord(row, delay)).filter((record) => record !== undefined);
    });
  }

  async refset(vault: VaultId, seq: number): Promise<PackIdList> {
    return await translated(
      async () => await this.#parts.ledger.read(vault, async ({ refsets }) => (await refsets.load(seq)).packs),
    );
  }

  async getObjects(vault: VaultId, names: readonly ObjectName[]): Promise<readonly (Uint8Array | undefined)[]> {
    return await translated(async () => await this.#packs.getObjects(vault, names));
  }

  async getPack(vault: VaultId, packId: PackId, into: Uint8Array, range?: PageRange): Promise<number | undefined> {
    return await translated(async () => await this.#packs.getPack(vault, packId, into, range));
  }

  async trash(vault: VaultId, seqs: readonly number[]): Promise<readonly RetentionChange[]> {
    return await translated(
      async () => await trashSnapshots(this.#parts, vault, { seqs, delay: await this.#trashDelay(vault) }),
    );
  }

  async untrash(vault: VaultId, seqs: readonly number[]): Promise<void> {
    await translated(async () => await untrashSnapshots(this.#parts, vault, seqs));
  }

  async setHold(vault: VaultId, by: DeviceId | undefined): Promise<Hold> {
    return await translated(async () => await setHold(this.#parts, vault, by));
  }

  async hold(vault: VaultId): Promise<Hold | undefined> {
    return await translated(async () => await standingHold(this.#parts, vault));
  }

  async collect(vault: VaultId, options: CollectOptions): Promise<PurgeReport> {
    return await translated(async () => await collectVault(this.#parts, vault, options));
  }

  async usage(vault: VaultId): Promise<Usage> {
    return await translated(
      async () => await this.#parts.ledger.read(vault, async (all) => await usageOf(this.#parts.backend, all)),
    );
  }

  async accountUsage(): Promise<AccountUsage> {
    return await translated(async () => {
      const { vaults } = await this.#parts.account.keychainState();
      let bytes = 0;
      for (const { vaultId } of vaults.values()) {
        const { packBytes, objectBytes } = await this.#parts.ledger.sizeOf(vaultId);
        bytes += packBytes + objectBytes;
      }
      return { storedBytes: bytes };
    });
  }

  async audit(vault: VaultId, { readsAll = false }: AuditOptions = {}): Promise<readonly AuditFinding[]> {
    return await translated(async () => {
      const found = await auditVault(this.#parts, vault);
      if (this.#parts.parity === undefined) return found;
      return [...found, ...(await auditParity(this.#parts, vault, { readsAll }))];
    });
  }

  async reportDamage(vault: VaultId, packs: PackIdList): Promise<PackIdList> {
    return await translated(
      async () => await setAsideDamaged({ backend: this.#parts.plain, ledger: this.#parts.ledger }, vault, packs),
    );
  }

  async lostPacks(vault: VaultId): Promise<PackIdList> {
    return await translated(async () => await lostPacks(this.#parts, vault));
  }

  async unknownRefsets(vault: VaultId): Promise<readonly UnknownRefset[]> {
    return await translated(async () => await this.#parts.ledger.read(vault, unknownRefsets));
  }

  async recordedDelta(vault: VaultId, seq: number): Promise<RecordedDelta | undefined> {
    return await translated(
      async () => await this.#parts.ledger.read(vault, async (all) => await recordedDelta(all, seq)),
    );
  }

  async restateRefset(vault: VaultId, seq: number, restated: RestatedRefset): Promise<boolean> {
    return await translated(
      async () => await this.#parts.ledger.write(vault, async (all) => await restateRefset(all, seq, restated)),
    );
  }

  async putBackCommit(vault: VaultId, commit: Uint8Array): Promise<boolean> {
    return await translated(async () => await putBackCommit(this.#parts, vault, commit));
  }

  async replicate(vault: VaultId, { to, sweep, signal }: ReplicateOptions): Promise<ReplicationReport> {
    const { plain: from, account, ledger, clock } = this.#parts;
    return await translated(
      async () => await replicateVault({ from, to, account, ledger, clock, vault, sweep, signal }),
    );
  }

  async scrub(vault: VaultId, options: ScrubOptions): Promise<ScrubReport> {
    const { plain: backend, ledger } = this.#parts;
    return await translated(async () => await scrubVault({ backend, ledger, vault }, options));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#missing?.end();
    await this.#parts.parity?.coder[Symbol.asyncDispose]();
    await this.#parts.ledger.close();
  }

  /** D of the vault's policy, in milliseconds. */
  async #trashDelay(vault: VaultId): Promise<number> {
    return vaultRecord(await this.#parts.account.keychainState(), vault).policy.trashDays * DAY;
  }
}

async function translated<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw asCustodyError(error);
  }
}
