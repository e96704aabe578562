/**
 * Compares a restored file with the index, blob by blob, and with the file it was backed up from, byte by byte, in one
 * pass. The blob ids are computed anew from what lies on the disk.
 */
import { chmodSync, closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { equalBytes } from '@keephold/bytes';
import type { Repository } from '@keephold/engine';
import { readingTools } from '@keephold/engine/node';
import type { FoundFile } from './choose-sample.ts';
import { isYoung, LiveFile, type LiveState } from './live-file.ts';

export interface FileComparison {
  /** Where the first blob begins that is not the one of the index, or the size that is not; undefined: all the same. */
  readonly indexDiffersAt: number | undefined;
  readonly live: LiveState;
  /** The first byte that differs from the live file. */
  readonly liveDiffersAt: number | undefined;
}

/** The longest blob that our writer makes (format.md §3); for longer ones there is more room made. */
const USUAL_BLOB = 4 << 20;

export class FileComparer {
  readonly #repository: Repository;
  readonly #computeBlobId: ReturnType<typeof readingTools>['computeBlobId'];
  #restored = new Uint8Array(USUAL_BLOB);
  #live = new Uint8Array(USUAL_BLOB);
  readonly #id = new Uint8Array(32);

  constructor(repository: Repository) {
    this.#repository = repository;
    this.#computeBlobId = readingTools(repository.idKey, { native: true }).computeBlobId;
  }

  /** `place`: where it was restored to. Throws what the system answers there. */
  async compare({ path, node, snapshot }: FoundFile, place: Uint8Array, signal: AbortSignal): Promise<FileComparison> {
    // A file may forbid its owner to read it.
    chmodSync(Buffer.from(place), 0o600);
    const handle = openSync(Buffer.from(place), 'r');
    const live = LiveFile.open(path, node);
    try {
      const file = live instanceof LiveFile ? live : undefined;
      const found = await this.#blobs(node, handle, file, signal);
      const state = file === undefined ? (live as LiveState) : this.#stateOf(file, found.liveDiffersAt);
      return { ...found, live: state === 'differs' && isYoung(node, snapshot) ? 'young' : state };
    } finally {
      closeSync(handle);
      if (live instanceof LiveFile) live[Symbol.dispose]();
    }
  }

  #stateOf(live: LiveFile, differsAt: number | undefined): LiveState {
    if (!live.isUnchanged()) return 'changed';
    return differsAt === undefined ? 'same' : 'differs';
  }

  async #blobs(
    node: FoundFile['node'],
    handle: number,
    live: LiveFile | undefined,
    signal: AbortSignal,
  ): Promise<Omit<FileComparison, 'live'>> {
    const size = fstatSync(handle).size;
    let indexDiffersAt = size === (node.size ?? 0) ? undefined : size;
    let liveDiffersAt: number | undefined;
    let offset = 0;
    for await (const parts of this.#repository.contentParts(node)) {
      for (const { blob, length } of parts) {
        signal.throwIfAborted();
        this.#makeRoom(length);
        const bytes = readAt(handle, this.#restored, offset, length);
        if (!this.#isBlob(blob, bytes, length)) indexDiffersAt ??= offset;
        if (live !== undefined && liveDiffersAt === undefined) {
          const original = readAt(live.handle, this.#live, offset, length);
          if (Buffer.compare(bytes, original) !== 0) liveDiffersAt = offset + firstDifference(bytes, original);
        }
        offset += length;
      }
    }
    return { indexDiffersAt, liveDiffersAt };
  }

  #makeRoom(length: number): void {
    if (length <= this.#restored.length) return;
    this.#restored = new Uint8Array(length);
    this.#live = new Uint8Array(length);
  }

  #isBlob(blob: Uint8Array, bytes: Uint8Array, length: number): boolean {
    if (bytes.length !== length) return false;
    this.#computeBlobId(1, bytes, this.#id);
    return equalBytes(this.#id, blob);
  }
}

/** Less only at the end of the file. */
function readAt(handle: number, into: Uint8Array, offset: number, length: number): Uint8Array {
  let done = 0;
  while (done < length) {
    const read = readSync(handle, into, done, length - done, offset + done);
    if (read === 0) break;
    done += read;
  }
  return into.subarray(0, done);
}

function firstDifference(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) if (a[at] !== b[at]) return at;
  return length;
}
