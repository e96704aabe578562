/** Plans the content of files into slices. */
import type { BlobId } from '@keephold/protocol';
import { EngineError } from '../../errors.ts';
import { type ContentPart, NodeType, type TreeNode } from '../../node-fields.ts';
import { partsInNode } from '../../reading/file-content.ts';
import type { Account } from './account.ts';
import { FileOption, type FileXattrs } from './file-rows.ts';
import { failureOf } from './item-failure.ts';
import type { ReadableRepository } from './readable-repository.ts';
import { MAX_SLICE_PARTS, RestoreSlice } from './restore-slice.ts';
import type { Overwrite } from './target-directory.ts';

/** Attributes of one entry; Linux has 64 KiB a value. */
const MAX_XATTR_BYTES: number = 16 * 1024 * 1024;

export interface FileToWrite {
  readonly path: Uint8Array;
  readonly node: TreeNode;
  /** May take the place of what is there. */
  readonly replace: boolean;
  /** Of a hard-linked file whose first name this is. */
  readonly key: string | undefined;
}

export interface SlicePlannerOptions {
  readonly repository: ReadableRepository;
  readonly account: Account;
  readonly overwrite: Overwrite;
}

export class SlicePlanner {
  readonly #options: SlicePlannerOptions;
  slice: RestoreSlice = new RestoreSlice();

  constructor(options: SlicePlannerOptions) {
    this.#options = options;
  }

  /** Closes the slice and begins another. */
  nextSlice(): RestoreSlice {
    const full = this.slice;
    this.slice = new RestoreSlice();
    return full;
  }

  /**
   * Plans a file to be written. Answers what is to be done first when its attributes or its content have to be read:
   * nearly all files are planned at once, and a generator for each would cost more than its plan.
   */
  planContent(file: FileToWrite): AsyncGenerator<RestoreSlice> | undefined {
    const { node } = file;
    if (node.xattrs !== undefined) return this.#planRead(file);
    let parts: readonly ContentPart[] | undefined;
    try {
      parts = partsInNode(node);
    } catch (cause) {
      this.#break(this.#begin(file, undefined), cause);
      return undefined;
    }
    if (parts === undefined) return this.#planRead(file);
    const number = this.#begin(file, undefined);
    const before = this.slice.content.count;
    try {
      this.#addParts(number, { node, parts, offset: 0 });
    } catch (cause) {
      this.#break(number, cause);
      return undefined;
    }
    if (this.slice.content.count === before) this.slice.entries.push(number);
    return undefined;
  }

  /** Yields slices that became full on the way: only a file of very many parts fills one. */
  async *#planRead(file: FileToWrite): AsyncGenerator<RestoreSlice> {
    const xattrs = await this.xattrsOf(file);
    if (xattrs !== 'failed') yield* this.#planParts(file, xattrs);
  }

  #begin(file: FileToWrite, xattrs: FileXattrs | undefined): number {
    const { node, key } = file;
    const whole = node.content === undefined || (Array.isArray(node.content) && node.content.length === 1);
    // One write is over at once; anything longer, and whatever a second run would take for complete, shows up when whole.
    const beside = !(whole && this.#options.overwrite !== 'never');
    const options = (file.replace ? FileOption.replace : 0) | (beside ? FileOption.beside : 0);
    const number = this.slice.files.add(file.path, node, options, xattrs);
    if (key !== undefined) this.slice.firstNames.set(number, key);
    this.slice.content.beginFile(number);
    return number;
  }

  /** @throws DamagedError when two trees give a blob different lengths */
  #addParts(
    file: number,
    {
      node,
      parts,
      offset,
    }: { readonly node: TreeNode; readonly parts: readonly ContentPart[]; readonly offset: number },
  ): void {
    const { content } = this.slice;
    let at = offset;
    for (const part of parts) {
      const before = content.count;
      if (!content.addPart(file, part, at, node.holes))
        throw new EngineError('damaged', 'read content: two trees give a blob different lengths');
      for (let place = before; place < content.count; place++) this.slice.bytes += content.lengths[place]!;
      at += part.length;
    }
  }

  #break(file: number, cause: unknown): void {
    if (!isDamage(cause)) throw cause;
    this.slice.broken.set(file, { code: 'damaged', reason: failureOf(cause).reason });
  }

  /** Plans setting the metadata of a file whose content is right. */
  async planMetadata(path: Uint8Array, node: TreeNode): Promise<void> {
    const xattrs = await this.xattrsOf({ path, node });
    if (xattrs !== 'failed') this.slice.entries.push(this.slice.files.add(path, node, FileOption.metadataOnly, xattrs));
  }

  /** Attributes with their whole values; 'failed' when they cannot be read, which is accounted for. */
  async xattrsOf({ path, node }: Pick<FileToWrite, 'path' | 'node'>): Promise<FileXattrs | undefined | 'failed'> {
    if (node.xattrs === undefined) return undefined;
    try {
      this.slice.xattrBytes += xattrBytes(node.xattrs);
      return await Promise.all(
        node.xattrs.map(async ({ name, value }) => ({ name: name.slice(), value: await this.#wholeValue(value) })),
      );
    } catch (cause) {
      if (!isDamage(cause)) throw cause;
      const reason = `its attributes cannot be read: ${cause.message}`;
      this.#options.account.add({
        path,
        type: node.type,
        outcome: 'failed',
        reason,
        bytes: node.type === NodeType.file ? (node.size ?? 0) : 0,
      });
      return 'failed';
    }
  }

  async #wholeValue(value: NonNullable<TreeNode['xattrs']>[number]['value']): Promise<Uint8Array> {
    if (value instanceof Uint8Array) return value.slice();
    const pieces: Uint8Array[] = [];
    for (const { blob, length } of value) pieces.push(await this.#readPiece(blob, length));
    return new Uint8Array(Buffer.concat(pieces));
  }

  async #readPiece(blob: BlobId, length: number): Promise<Uint8Array> {
    const bytes = await this.#options.repository.readBlob(blob, 1);
    if (bytes.length === length) return bytes;
    throw new EngineError('damaged', `read attributes: a blob of ${bytes.length} bytes for one of ${length}`);
  }

  async *#planParts(planned: FileToWrite, xattrs: FileXattrs | undefined): AsyncGenerator<RestoreSlice> {
    const { node } = planned;
    let file = this.#begin(planned, xattrs);
    let offset = 0;
    let places = 0;
    let written = 0;
    try {
      for await (const parts of this.#options.repository.contentParts(node)) {
        if (this.slice.content.count >= MAX_SLICE_PARTS) {
          this.slice.continued = file;
          this.slice.bytesToCome = Math.max(0, bytesToWrite(node) - written);
          yield this.nextSlice();
          file = this.#begin(planned, xattrs);
          this.slice.carried = file;
        }
        const { bytes, content } = this.slice;
        const before = content.count;
        this.#addParts(file, { node, parts, offset });
        for (const { length } of parts) offset += length;
        places += content.count - before;
        written += this.slice.bytes - bytes;
      }
    } catch (cause) {
      this.#break(file, cause);
      return;
    }
    if (places === 0) this.slice.entries.push(file);
  }
}

/** Of all values together, before any is read. */
function xattrBytes(xattrs: NonNullable<TreeNode['xattrs']>): number {
  let bytes = 0;
  for (const { value } of xattrs) {
    if (value instanceof Uint8Array) bytes += value.length;
    else for (const { length } of value) bytes += length;
  }
  if (bytes > MAX_XATTR_BYTES)
    throw new EngineError('damaged', `read attributes: ${bytes} bytes, more than systems have`);
  return bytes;
}

/** Bytes of a file that are in no hole. */
function bytesToWrite({ size = 0, holes = [] }: TreeNode): number {
  return holes.reduce((rest, [, length]) => rest - length, size);
}

function isDamage(cause: unknown): cause is EngineError {
  return cause instanceof EngineError && (cause.code === 'damaged' || cause.code === 'missing');
}
