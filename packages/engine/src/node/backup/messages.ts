/** What the main thread and the backup workers say to each other: a message per batch of files and per pack. */
import type { EngineErrorCode } from '../../errors.ts';
import type { SharedKnownBlobs } from '../known-blobs/known-blobs.ts';
import type { SharedAreaPool } from '../packing/area-pool.ts';
import type { OpenPack, PackIdentity, SealedPack } from '../packing/pack-builder.ts';
import type { Cutting } from './file-kinds.ts';

export interface WorkerSetup {
  readonly kind: 'setup';
  readonly known: SharedKnownBlobs;
  readonly areas: SharedAreaPool;
  readonly idKey: Uint8Array;
  readonly gearTable: Uint8Array;
  readonly identity: PackIdentity;
  readonly level: number;
  /** Float64 counters of this worker: [0] bytes read, [1] bytes stored, [2] files done. */
  readonly counters: SharedArrayBuffer;
  /** Int32: not 0 when the run is to end: files not begun are left out, files in hand end early. */
  readonly stop: SharedArrayBuffer;
  readonly native: boolean;
}

/** Files in walk order. */
export interface FileBatch {
  readonly kind: 'batch';
  readonly id: number;
  /** Absolute paths, each ending with NUL. */
  readonly paths: Uint8Array;
  /** STAT_ROW_WORDS words a file, as listed. */
  readonly stats: Uint32Array;
  readonly count: number;
  /** Databases are read as they lie; else those in use are given back. */
  readonly asTheyLie: boolean;
}

/** A part of one big file; cut by content: as many chunks from `from` on as one turn takes. */
export interface FileSegment {
  readonly kind: 'segment';
  readonly id: number;
  readonly path: Uint8Array;
  readonly stats: Uint32Array;
  readonly cutting: Cutting;
  readonly from: number;
  readonly to: number;
}

export type ToWorker =
  | WorkerSetup
  | FileBatch
  | FileSegment
  /** End the group and hand over the open pack. */
  | { readonly kind: 'release' }
  /** Take over these open packs and seal everything. */
  | { readonly kind: 'finish'; readonly open: readonly OpenPack[] }
  /** After a commit: the table may be a new one, and packs belong to a new session. */
  | { readonly kind: 'renew'; readonly known: SharedKnownBlobs; readonly identity: PackIdentity }
  | { readonly kind: 'stop' };

export type FromWorker =
  | { readonly kind: 'ready' }
  /** Results of a batch or segment, encoded as file-results.ts says. */
  | { readonly kind: 'done'; readonly id: number; readonly results: Uint8Array }
  | { readonly kind: 'pack'; readonly area: number; readonly pack: SealedPack }
  | { readonly kind: 'released'; readonly open: OpenPack | undefined }
  | { readonly kind: 'finished' }
  | {
      readonly kind: 'failed';
      readonly code: EngineErrorCode;
      readonly message: string;
      readonly stack: string | undefined;
    };

/** What goes over to the other thread with a message instead of being copied: rows of packs, megabytes with many small files. */
export function transfersOf(message: ToWorker | FromWorker): readonly ArrayBuffer[] {
  switch (message.kind) {
    case 'pack':
      return buffersOf([message.pack.contents.frames, message.pack.contents.blobs, message.pack.records]);
    case 'released':
      return message.open === undefined ? [] : rowsOf(message.open);
    case 'finish':
      return message.open.flatMap(rowsOf);
    case 'done':
      return buffersOf([message.results]);
    default:
      return [];
  }
}

function rowsOf({ frameRows, blobRows, records }: OpenPack): readonly ArrayBuffer[] {
  return buffersOf([frameRows, blobRows, records]);
}

function buffersOf(views: readonly (Uint8Array | Uint32Array)[]): readonly ArrayBuffer[] {
  return views.flatMap(({ buffer }) => (buffer instanceof ArrayBuffer ? [buffer] : []));
}
