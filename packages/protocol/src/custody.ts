/**
 * The Custody seam: what a repository needs from whoever keeps its packs. Two implementations share one conformance
 * suite: a folder in this process (`custody`) and a server over HTTP (`client`). Nothing here can be decrypted by the
 * keeper: it sees packs, opaque objects, signed commits and sets of pack ids.
 *
 * Contract of every member unless it says otherwise:
 * - repeating a call with the same arguments is harmless and answers the same;
 * - a promise that resolves means: durable (would survive a power cut);
 * - failures throw a `CustodyError` with a stable `code`; expected outcomes are values.
 */
import type { AccountId, DeviceId, ObjectName, PackId, StreamId, VaultId } from './ids.ts';

/** What differs between keepers, as data. */
export interface CustodyProperties {
  /** How many putPack calls a writer may have open at once. */
  readonly uploadsInFlight: number;
  /** How many getPack calls a reader may have open at once. */
  readonly downloadsInFlight: number;
  /** Whether a device that can write here could also destroy history (a plain folder: true). Texts must say so. */
  readonly writerCanDestroy: boolean;
  /** Whether only the owner, with the password or the words, may trash and collect; else any device may. */
  readonly deletingNeedsOwner?: boolean;
  /** Parity blocks that packs get for 100 data blocks; 0 or nothing: the keeper keeps no parity. */
  readonly parityPercent?: number;
}

export interface Head {
  /** 0 when the vault has no commit yet. */
  readonly seq: number;
  /** commitHash of seq; for seq 0 the hash of the keychain entry that created the vault. */
  readonly hash: Uint8Array;
}

/** Sorted pack ids, 32 bytes each, concatenated, without duplicates. */
export type PackIdList = Uint8Array;

export interface RefsetDelta {
  /** The commit whose refset is the base; undefined: the empty set. */
  readonly parentSeq: number | undefined;
  readonly added: PackIdList;
  readonly removed: PackIdList;
}

export interface CommitRequest {
  /** CBOR ‖ signature, format.md §7. */
  readonly bytes: Uint8Array;
  /** The list behind packsDigest (empty when the commit adds none). */
  readonly packsAdded: PackIdList;
  /** Present for types 1, 2 and 3. */
  readonly refset: RefsetDelta | undefined;
}

export type CommitOutcome =
  | { readonly kind: 'accepted'; readonly head: Head }
  /** These packs of the refset are not there (or are being purged): upload their blobs again, then commit again. */
  | { readonly kind: 'missing-packs'; readonly packs: PackIdList }
  /** Another writer was first: sign again on top of this head. */
  | { readonly kind: 'head-moved'; readonly head: Head };

export interface PageRange {
  /** First page, from 0. */
  readonly first: number;
  readonly count: number;
}

export type SnapshotState = 'active' | 'trashed' | 'expired';

/** What the ledger knows of a snapshot or checkpoint without any key. */
export interface SnapshotRecord {
  readonly seq: number;
  readonly kind: 'complete' | 'checkpoint';
  readonly deviceId: DeviceId;
  readonly streamId: StreamId;
  readonly object: ObjectName;
  /** The ledger's receive time, unix milliseconds; never falls within a vault (security.md §6.1 R2). */
  readonly receivedAt: number;
  readonly state: SnapshotState;
  /** Unix milliseconds; set while trashed: when it stops being restorable. */
  readonly expiresAt: number | undefined;
}

export interface StoredCommit {
  readonly seq: number;
  readonly bytes: Uint8Array;
}

export interface Usage {
  readonly packs: number;
  readonly packBytes: number;
  readonly objects: number;
  readonly objectBytes: number;
  /** Bytes of packs that no snapshot needs any more and that wait for their delay. */
  readonly condemnedBytes: number;
  /** Bytes of packs that no commit names: of backups that are going on or were cut short. */
  readonly pendingBytes?: number;
  /** Until when all of those are kept at least, unix milliseconds; renewed by a backup that goes on. */
  readonly pendingUntil?: number;
  /** Commits that the keeper cannot read: what they say of snapshots it does not know. */
  readonly unreadCommits: number;
  /** Bytes of the parity of packs and records, where the keeper keeps some. */
  readonly parityBytes?: number;
}

/** near: nearly used up. grace: beyond the limit, for a time. full: nothing new is taken. */
export type QuotaState = 'within' | 'near' | 'grace' | 'full';

/** How an account stands to what its keeper allows it. */
export interface QuotaStanding {
  readonly plan: string;
  /** Bytes. */
  readonly limit: number;
  readonly state: QuotaState;
  /** In grace: when it ends, unix milliseconds by the keeper's clock. */
  readonly graceUntil?: number;
}

export interface AccountUsage {
  /** Sealed bytes of packs, and of objects that commits name, in all vaults; each once. */
  readonly storedBytes: number;
  /** Absent where the keeper sets no limit. */
  readonly quota?: QuotaStanding;
}

/** Account records: what opens the keys. */
export interface AccountCustody {
  accountId(): Promise<AccountId>;
  /** Keychain entries (CBOR ‖ signature) with seq ≥ fromSeq, in order. */
  keychain(fromSeq: number): Promise<readonly Uint8Array[]>;
  /** Appends the entry whose seq is the next one; 'head-moved' when another entry has that seq already. */
  appendKeychain(entry: Uint8Array): Promise<'appended' | 'head-moved'>;
  /** Slot records (CBOR, security.md §3.7), any order. */
  slots(): Promise<readonly Uint8Array[]>;
  putSlot(slotId: Uint8Array, record: Uint8Array): Promise<void>;
  removeSlot(slotId: Uint8Array): Promise<void>;
  /** The sealed account keyring of the highest generation. */
  keyring(): Promise<Uint8Array | undefined>;
  putKeyring(sealed: Uint8Array): Promise<void>;
  /** Sealed grants by object name (named in the keychain). */
  putGrant(name: ObjectName, sealed: Uint8Array): Promise<void>;
  grant(name: ObjectName): Promise<Uint8Array | undefined>;
}

export interface PutPackOptions {
  /** Called when the bytes are the caller's again, while the pack is still on its way to be durable. */
  readonly onTaken?: () => void;
  /** Ends the call, soon and with a rejection. The pack may be there all the same. */
  readonly signal?: AbortSignal;
}

/** What a writer needs. */
export interface WritingCustody {
  head(vault: VaultId): Promise<Head>;
  /**
   * Starts or renews the lease that protects this writer's uncommitted packs. Where the keeper keeps parity, this and
   * the first commit begin to make up what an earlier writer was stopped before it made.
   */
  openSession(vault: VaultId): Promise<void>;
  /** Stores an object, durable when resolved; `bytes` is the caller's again then. */
  putObject(vault: VaultId, name: ObjectName, bytes: Uint8Array): Promise<void>;
  /**
   * Stores one pack, durable when resolved. `bytes` may be a view of shared memory: it is read until the promise
   * settles and must not change before. A pack that is there already is not written again.
   */
  putPack(vault: VaultId, packId: PackId, bytes: Uint8Array, options?: PutPackOptions): Promise<void>;
  commit(vault: VaultId, request: CommitRequest): Promise<CommitOutcome>;
  /** All packs that may be referred to by a new commit (present and not being purged), sorted. */
  referablePacks(vault: VaultId): Promise<PackIdList>;
}

/** What a reader needs. */
export interface ReadingCustody {
  head(vault: VaultId): Promise<Head>;
  /** Commits with seq > sinceSeq, in order. */
  commits(vault: VaultId, sinceSeq: number): AsyncIterable<StoredCommit>;
  snapshots(vault: VaultId): Promise<readonly SnapshotRecord[]>;
  /** Packs of the refset that was committed with seq, sorted. */
  refset(vault: VaultId, seq: number): Promise<PackIdList>;
  /** The objects in the order asked; undefined where one is not there. Their bytes are the caller's. */
  getObjects(vault: VaultId, names: readonly ObjectName[]): Promise<readonly (Uint8Array | undefined)[]>;
  /**
   * Reads sealed pages into `into` (at least 65,552 × count bytes; may be shared memory), or with no range the whole
   * pack with its header. Answers the bytes read; undefined when the pack is not there. A short pack is an answer
   * shorter than asked, never an error: the reader's checks name it.
   */
  getPack(vault: VaultId, packId: PackId, into: Uint8Array, range?: PageRange): Promise<number | undefined>;
}

export interface RetentionChange {
  readonly seq: number;
  readonly expiresAt: number;
}

/** Set by a device that saw something wrong: nothing of the vault is deleted until the owner releases it (security.md §6.3). */
export interface Hold {
  /** When it was set, by the ledger's time, unix milliseconds; undefined: its record is damaged. */
  readonly since: number | undefined;
  /** Who set it; undefined: the record does not say. */
  readonly deviceId: DeviceId | undefined;
}

export interface PurgeReport {
  readonly condemned: number;
  readonly condemnedBytes: number;
  readonly purgedPacks: number;
  readonly purgedBytes: number;
  readonly purgedObjects: number;
  readonly expiredSnapshots: number;
  /** Why nothing expired, was condemned or purged, when something held it up. */
  readonly paused?: 'clock-jump' | 'hold' | undefined;
}

/** What keeps and reclaims space (security.md §6). */
export interface RetentionCustody {
  /** Moves snapshots to the trash: restorable until the delay has passed. */
  trash(vault: VaultId, seqs: readonly number[]): Promise<readonly RetentionChange[]>;
  /** Takes snapshots out of the trash again. */
  untrash(vault: VaultId, seqs: readonly number[]): Promise<void>;
  /**
   * Stops deletion: from when it resolves no collection expires, condemns or purges anything of the vault, whoever asks,
   * until a `release-hold` entry is in the keychain. What a collection decided before may still go. A hold that stands already stays as it
   * is, and is answered. `by`: the device; a keeper that knows who asks takes its own word for it.
   */
  setHold(vault: VaultId, by: DeviceId | undefined): Promise<Hold>;
  /** The hold that stands. */
  hold(vault: VaultId): Promise<Hold | undefined>;
  /** Expires what is due, condemns what nothing needs, purges what was condemned long enough. */
  collect(vault: VaultId, options: CollectOptions): Promise<PurgeReport>;
  usage(vault: VaultId): Promise<Usage>;
  /** Of the whole account; costs next to nothing. */
  accountUsage(): Promise<AccountUsage>;
}

export interface CollectOptions {
  readonly signal?: AbortSignal;
  /** Days a trashed snapshot stays restorable (security.md D); embedded repositories may shorten it, at least 0. */
  readonly trashDays?: number;
  /** Days an unreferenced pack stays (security.md G). */
  readonly purgeDays?: number;
  /** Says what would happen and changes nothing. */
  readonly dryRun?: boolean;
}

/** Something the keeper keeps that is not what it should be. */
export interface AuditFinding {
  readonly kind: AuditKind;
  /** Where it lies, as the keeper names it. */
  readonly place: string;
  readonly what: string;
}

export type AuditKind =
  | 'damage'
  /** Whole, but without its parity yet: writers make it when they next open a session. */
  | 'unprotected'
  /** Of nothing that is kept: parity, or a damaged record. */
  | 'stray';

export interface AuditOptions {
  /** Read all parity and second copies too, where the keeper keeps some. */
  readonly readsAll?: boolean;
}

/** What looks after what is kept (security.md §6.6 and §6.7), without any key. */
export interface HealingCustody {
  /** Looks at what is not found by reading: ways in, keeper's records, session objects, parity. */
  audit(vault: VaultId, options?: AuditOptions): Promise<readonly AuditFinding[]>;
  /**
   * Packs that somebody could not read. The keeper believes only what it sees: a pack that is not there, or whose bytes
   * are not those of its name, is lost from then on; its bytes are set aside and still read where nothing else is.
   * Answers the lost ones.
   */
  reportDamage(vault: VaultId, packs: PackIdList): Promise<PackIdList>;
  /** Packs that kept snapshots need and that are lost, sorted. */
  lostPacks(vault: VaultId): Promise<PackIdList>;
  /** Refsets of kept snapshots that the keeper's records do not tell any more, the oldest first. */
  unknownRefsets(vault: VaultId): Promise<readonly UnknownRefset[]>;
  /** What the keeper's record of a commit says by itself; undefined when it cannot be read. */
  recordedDelta(vault: VaultId, seq: number): Promise<RecordedDelta | undefined>;
  /**
   * Writes down again, in full, what an unknown refset is. Believed for nothing but the digests that the commit signed, so
   * that nobody makes a snapshot need less. Answers whether it is the one, and is written.
   */
  restateRefset(vault: VaultId, seq: number, restated: RestatedRefset): Promise<boolean>;
  /**
   * Puts back a commit whose file is damaged, or gone while the keeper's record of it is there: who has neither may be an
   * older copy, and stays one. Answers whether it was written; a commit that is whole, or another one, stays.
   */
  putBackCommit(vault: VaultId, commit: Uint8Array): Promise<boolean>;
}

export interface UnknownRefset {
  /** The commit whose refset it is: a snapshot's, or that of a heal. */
  readonly seq: number;
  /** The snapshot that needs it. */
  readonly snapshot: number;
  /** Of the refset, as the commit signed it. */
  readonly digest: Uint8Array;
}

/** Packs that are in a refset, and packs that are not. */
export type RecordedDelta = Pick<RefsetDelta, 'added' | 'removed'>;

export interface RestatedRefset {
  readonly refset: PackIdList;
  /** The packs behind the commit's packsDigest, where its own record cannot tell them. */
  readonly packs: PackIdList | undefined;
}

export interface Custody
  extends AccountCustody,
    WritingCustody,
    ReadingCustody,
    RetentionCustody,
    HealingCustody,
    AsyncDisposable {
  readonly properties: CustodyProperties;
}
