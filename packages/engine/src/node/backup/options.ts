/** What a backup is asked to do, what it reports while it goes, and what it answers. */
import type { Worker } from 'node:worker_threads';
import type { ChunkerKey, IdKey, IndexKey, SessionKey } from '@keephold/crypto';
import type {
  ChainPin,
  Custody,
  DedupAuthor,
  DeviceId,
  ObjectName,
  SessionId,
  StreamId,
  VaultId,
} from '@keephold/protocol';
import type { DatabaseCopies, ExcludedEntry, Source } from '../../source.ts';
import type { JournalOptions } from '../journal/changed-folders.ts';
import type { WalkReport } from '../journal/full-walk.ts';

/** The keys of a writer (vault's WriteKeys). */
export interface WriterKeys {
  readonly vaultId: VaultId;
  readonly deviceId: DeviceId;
  readonly idKey: IdKey;
  readonly chunkerKey: ChunkerKey;
  readonly indexKeys: ReadonlyMap<number, IndexKey>;
  readonly epoch: number;
}

/** One link of the session chain, persisted by the caller before it is handed out (security.md §3.5). */
export interface WriterSession {
  readonly sessionId: SessionId;
  readonly sessionKey: SessionKey;
  /** What every commit of the session names, so that losing one loses no chain: its own session objects come first. */
  readonly objectNames: readonly ObjectName[];
  /** The sealed session objects while no accepted commit has named them, in the order of the first names. */
  readonly objects: readonly Uint8Array[] | undefined;
  /** To be called once a commit has named the session objects. */
  confirmed(): Promise<void> | void;
}

export interface BackupOptions {
  readonly custody: Custody;
  readonly keys: WriterKeys;
  /** Ed25519 public key of the device, 32 bytes. */
  readonly devicePublicKey: Uint8Array;
  /**
   * Other devices whose blobs it may rely on (security.md §3.4 P1); none without it. Asked right after a look at the head,
   * and none as long as that is the keeper's word only.
   */
  readonly trusted?: (() => readonly DedupAuthor[]) | undefined;
  /** Ed25519 by the device key. */
  readonly sign: (message: Uint8Array) => Uint8Array;
  /** Where the keychain stands: never behind what the head of the vault stands on. Asked after each look at the head. */
  readonly keychain: () => ChainPin;
  readonly nextSession: () => Promise<WriterSession>;
  readonly stream: StreamId;
  readonly hostname: string;
  readonly clientVersion: string;
  readonly source: Source;
  /** Lets runs take over what did not change without a look at it. Left out: everything is walked. */
  readonly journal?: JournalOptions | undefined;
  /** Opens what copies databases in use, into a folder to be made and removed. Left out: they are read as they lie. */
  readonly copyDatabases?: ((folder: string) => DatabaseCopies) | undefined;
  /** Starts a thread whose entry calls runBackupWorker; `others`: how many there are already. */
  readonly spawnWorker: (others: number) => Worker;
  readonly workers: number;
  /** Folder of this vault's caches; it exists and only the user can read it. */
  readonly cacheFolder: string;
  readonly tags: readonly string[];
  /** zstd level, 1 to 19. */
  readonly compression: number;
  /** Bytes all of it may use. */
  readonly memory: number;
  /** Milliseconds between checkpoints at the most; early in a run they come sooner (checkpoint-pause.ts). */
  readonly checkpointEvery: number;
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: BackupProgress) => void;
  /** Unix nanoseconds. */
  readonly now: () => bigint;
  readonly random: (length: number) => Uint8Array;
  /** False: only node:crypto and node:zlib. */
  readonly native: boolean;
}

export interface BackupProgress {
  readonly files: number;
  readonly directories: number;
  /** Bytes of files looked at so far, unchanged ones included. */
  readonly bytesDone: number;
  /** Bytes read from files. */
  readonly bytesRead: number;
  /** Bytes of new packs, before they are full. */
  readonly bytesStored: number;
  readonly filesUnchanged: number;
  readonly errors: number;
  readonly currentPath: Uint8Array | undefined;
  /** From the last backup, else undefined until the walk is done. */
  readonly totals: { readonly files: number; readonly bytes: number } | undefined;
}

export interface UnreadableEntry {
  readonly path: Uint8Array;
  /** For people, with the system's error code. */
  readonly error: string;
}

/**
 * How a file was captured when not plainly: it changed while it was read; as a copy that SQLite made; not at all,
 * because it lives elsewhere.
 */
export type SpecialCapture = 'live' | 'sqliteBackup' | 'placeholder';

export interface CaptureNote {
  readonly path: Uint8Array;
  readonly note: string;
}

export interface BackupReport {
  readonly kind: 'complete' | 'checkpoint' | 'none';
  readonly snapshot: { readonly seq: number; readonly id: ObjectName } | undefined;
  readonly files: {
    readonly new: number;
    readonly changed: number;
    readonly unchanged: number;
    /** Of the unchanged, those that were stored again: the repository did not have what they hold any more. */
    readonly storedAgain: number;
  };
  readonly directories: number;
  readonly walk: WalkReport;
  readonly otherEntries: number;
  /** Bytes of all files in the snapshot. */
  readonly bytes: number;
  readonly bytesRead: number;
  /** Bytes of packs and objects written. */
  readonly bytesStored: number;
  readonly packsAdded: number;
  readonly unreadable: readonly UnreadableEntry[];
  readonly notes: readonly CaptureNote[];
  /** Files read in this run that were not read plainly. */
  readonly captured: Readonly<Record<SpecialCapture, number>>;
  readonly excluded: { readonly entries: readonly ExcludedEntry[]; readonly count: number };
  readonly durationMs: number;
  readonly interrupted: boolean;
  /** False: interrupted while packs were on their way; files that are counted here and were not stored are left out. */
  readonly isWhole: boolean;
}
