/** What the main thread and the reading workers say to each other: a message per pack, or per batch of entries. */
import type { PackContents } from '../../../pack-contents.ts';
import type { FileTable } from '../file-rows.ts';
import type { WrittenFiles } from '../file-writer.ts';
import type { FetchedPack, PackRequest } from './pack-request.ts';

export interface ReadWorkerSetup {
  readonly kind: 'setup';
  readonly idKey: Uint8Array;
  readonly areas: SharedArrayBuffer;
  /** Whether to call into the running process (false: node:crypto and node:zlib only). */
  readonly native: boolean;
  /** Config of the target that files are written to; undefined for check and cat. */
  readonly target: unknown;
}

/** Restore: places blobs of one pack into files. */
export interface WritePack {
  readonly kind: 'write';
  readonly pack: FetchedPack;
  readonly request: PackRequest;
  readonly files: FileTable;
}

/** Restore: makes files without content, sets metadata. */
export interface WriteEntries {
  readonly kind: 'entries';
  readonly files: FileTable;
}

/** Cat: places blobs of one pack one after the other into an area. */
export interface CollectBlobs {
  readonly kind: 'collect';
  readonly pack: FetchedPack;
  readonly request: PackRequest;
  readonly into: number;
}

/** Check: reads everything in a pack and compares it with the index, whose rows go over to the worker. */
export interface VerifyPack {
  readonly kind: 'verify';
  readonly pack: FetchedPack;
  readonly packKind: 1 | 2;
  readonly contents: PackContents;
}

export type ReadTask = WritePack | WriteEntries | CollectBlobs | VerifyPack;
export type ToReadWorker =
  | ReadWorkerSetup
  | { readonly kind: 'task'; readonly id: number; readonly task: ReadTask }
  | { readonly kind: 'stop' };

export interface WrittenPack extends WrittenFiles {
  /** Blob rows of the request that are damaged here. */
  readonly bad: readonly number[];
}

/** What is wrong with a pack; all empty when nothing is. */
export interface PackFindings {
  readonly badPages: number;
  /** Differences of its trailer and padding from what they must be. */
  readonly structure: readonly string[];
  /** Ids of blobs whose bytes are not what they say, 32 bytes each. */
  readonly badBlobs: Uint8Array;
}

export interface TaskResults {
  readonly write: WrittenPack;
  readonly entries: WrittenFiles;
  readonly collect: { readonly bad: readonly number[] };
  readonly verify: PackFindings;
}

export type FromReadWorker =
  | { readonly kind: 'done'; readonly id: number; readonly result: TaskResults[keyof TaskResults] }
  | {
      readonly kind: 'failed';
      readonly id: number | undefined;
      readonly message: string;
      readonly code: string;
      readonly stack: string | undefined;
    };
