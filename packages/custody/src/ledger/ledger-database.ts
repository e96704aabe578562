/** Where the ledger of a repository is: a file of its own, or tables that many repositories share. */
import type { AccountId, VaultId } from '@keephold/protocol';
import type { SqlDatabase } from './sql.ts';

export interface OpenLedger {
  readonly database: SqlDatabase;
  /** It is in memory because its place cannot be written: then nobody would see our lock. */
  readonly isCopy: boolean;
}

export interface LedgerDatabase {
  /** For messages. */
  readonly place: string;
  /** With its tables. */
  open(account: AccountId): Promise<OpenLedger>;
  /** What stands for the vault in the tables; it names the lock of those who change what is said of it. */
  keyOf(account: AccountId, vault: VaultId): Uint8Array;
  /** What it said of the vault, of more if need be, was damaged: it goes, and is replayed when it is needed. */
  discard(ledger: OpenLedger | undefined, key: Uint8Array): Promise<void>;
  close(ledger: OpenLedger): Promise<void>;
}
