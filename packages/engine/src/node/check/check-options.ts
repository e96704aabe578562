/** What a check is asked to do, what it reports while it goes, and what it answers. */
import type { Worker } from 'node:worker_threads';
import type { PackIdList, SnapshotRecord } from '@keephold/protocol';
import type { Repository } from '../../reading/repository.ts';
import type { CheckProblem } from './findings.ts';

export interface CheckOptions {
  readonly repository: Pick<
    Repository,
    | 'log'
    | 'vaultId'
    | 'idKey'
    | 'snapshot'
    | 'refset'
    | 'unlistedPacks'
    | 'possiblePacks'
    | 'readBlob'
    | 'indexObjects'
    | 'getPack'
    | 'packKeyOf'
  >;
  /** The keeper's own list of snapshots, to be compared with the signed one; not compared without it. */
  readonly ledger?: (() => Promise<readonly SnapshotRecord[]>) | undefined;
  /** What was found before this began, for instance by the keeper's own audit. */
  readonly found?: readonly Pick<CheckProblem, 'kind' | 'what'>[] | undefined;
  /** Packs known to be lost: read in full whatever `readData` is, and told of only where files miss them. */
  readonly lost?: PackIdList | undefined;
  /** Share of the packs whose every byte is read, 0 to 1. */
  readonly readData: number;
  /** Starts a thread whose entry calls runReadWorker. */
  readonly spawnWorker: () => Worker;
  /** Threads; one a processor without it. */
  readonly workers?: number | undefined;
  /** Bytes all of it may use: bounds how many packs are in memory at once. */
  readonly memory?: number | undefined;
  readonly signal: AbortSignal;
  readonly onProgress?: ((progress: CheckProgress) => void) | undefined;
  /** From 0 to below 1; chooses the packs to be read. */
  readonly random?: (() => number) | undefined;
  /** False: only node:crypto and node:zlib. */
  readonly native?: boolean | undefined;
}

export interface CheckProgress {
  readonly packs: number;
  readonly packsTotal: number;
  readonly bytesRead: number;
  /** Of the packs that are read in full. */
  readonly bytesTotal: number;
  readonly trees: number;
  readonly problems: number;
}

export interface CheckReport {
  readonly snapshots: number;
  /** Tree blobs read, shared ones once. */
  readonly trees: number;
  /** Blobs that index objects list. */
  readonly blobs: number;
  /** Packs that snapshots need. */
  readonly packs: number;
  /** Of those, how many were read in full. */
  readonly packsRead: number;
  readonly bytesRead: number;
  readonly problems: readonly CheckProblem[];
  /** Packs that are missing or damaged: to be reported to the keeper. */
  readonly damagedPacks: PackIdList;
  readonly durationMs: number;
  readonly interrupted: boolean;
}
