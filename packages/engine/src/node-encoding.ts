/**
 * Writes tree nodes (format.md §6) straight from stat rows, without an object per node: this runs once for every new
 * or changed entry of a backup.
 */
import { CborReader, CborWriter } from '@keephold/bytes';
import { ByteSlab } from './byte-slab.ts';
import { type ContentPart, NodeType, type Xattr } from './node-fields.ts';
import { type EntryDetails, STAT_ROW_WORDS } from './source.ts';
import { MAX_TREE_BYTES, MAX_TREE_NODES, TREE_VERSION } from './tree-codec.ts';

/** The part of a node that does not come from its stat row. */
export interface NodeBody {
  readonly type: number;
  readonly details: EntryDetails;
  /** Bytes of the content; undefined for what has none, and for a file that could not be read. */
  readonly size?: number | undefined;
  /** Rows of blobId 32 ‖ length u32, or the id of a list blob. */
  readonly content?: EncodedContent | undefined;
  readonly subtree?: Uint8Array | undefined;
  readonly holes?: readonly (readonly [number, number])[] | undefined;
  readonly note?: string | undefined;
}

export type EncodedContent =
  | { readonly kind: 'parts'; readonly rows: Uint8Array }
  | { readonly kind: 'list'; readonly id: Uint8Array };

export const CONTENT_ROW_BYTES = 36;

const EARLIEST: bigint = -(2n ** 63n);
const LATEST: bigint = 2n ** 63n - 1n;

const writer = new CborWriter(4096);
const slab = new ByteSlab();

/** Encodes one node. `name` has one code unit a byte. The answer shares memory with others: never transfer it. */
export function encodeNode(name: string, stats: Uint32Array, row: number, body: NodeBody): Uint8Array {
  const at = row * STAT_ROW_WORDS;
  const { details } = body;
  const hasBtime = (stats[at + 24]! & 1) !== 0;
  const hardLink = stats[at + 16]! > 1 && body.type !== NodeType.directory;
  const device = body.type === NodeType.charDevice || body.type === NodeType.blockDevice;
  const xattrs = details.xattrs !== undefined && details.xattrs.length > 0 ? details.xattrs : undefined;
  const holes = body.holes !== undefined && body.holes.length > 0 ? body.holes : undefined;
  const optional = [
    details.user,
    details.group,
    body.size,
    body.content,
    body.subtree,
    details.linkTarget,
    xattrs,
    details.flags,
    holes,
    body.note,
  ];
  let fields = 7 + (hasBtime ? 1 : 0) + (hardLink ? 1 : 0) + (device ? 1 : 0);
  for (const value of optional) if (value !== undefined) fields++;
  writer.reset();
  writer.mapHeader(fields);
  writer.uint(0);
  writeName(name);
  writer.uint(1);
  writer.uint(body.type);
  writer.uint(2);
  writer.uint(stats[at]! & 0o7777);
  writer.uint(3);
  writer.uint(stats[at + 1]!);
  writer.uint(4);
  writer.uint(stats[at + 2]!);
  if (details.user !== undefined) writeBytes(5, details.user);
  if (details.group !== undefined) writeBytes(6, details.group);
  writeTime(7, stats, at + 10, stats[at + 3]!);
  writeTime(8, stats, at + 12, stats[at + 4]!);
  if (hasBtime) writeTime(9, stats, at + 18, stats[at + 17]!);
  if (body.size !== undefined) {
    writer.uint(10);
    writer.uint(body.size);
  }
  if (body.content !== undefined) writeContent(body.content);
  if (body.subtree !== undefined) writeBytes(12, body.subtree);
  if (details.linkTarget !== undefined) writeBytes(13, details.linkTarget);
  if (device) {
    writer.uint(14);
    writer.arrayHeader(2);
    writer.uint(stats[at + 20]!);
    writer.uint(stats[at + 21]!);
  }
  if (hardLink) writeBytes(15, hardLinkKey(stats, at));
  if (xattrs !== undefined) writeXattrs(xattrs);
  if (details.flags !== undefined) {
    writer.uint(17);
    writer.uint(details.flags);
  }
  if (holes !== undefined) writeHoles(holes);
  if (body.note !== undefined) {
    writer.uint(19);
    writer.text(body.note);
  }
  return slab.copy(writer.written);
}

/** Id of the subtree of an encoded directory; undefined for what has none. A view of `node`. */
export function subtreeOf(node: Uint8Array): Uint8Array | undefined {
  const reader = new CborReader(node);
  for (let left = reader.readMapHeader(); left > 0; left--) {
    const key = reader.readUint();
    if (key === 12) {
      const id = reader.readBytes();
      return node.subarray(reader.position - id.length, reader.position);
    }
    // Of what only directories have, nothing else comes before it.
    if (key > 12 || (key === 1 && reader.readUint() !== NodeType.directory)) return undefined;
    if (key !== 1) reader.skip();
  }
  return undefined;
}

/** Whether an encoded node is one of several names of its inode. */
export function isHardLinked(node: Uint8Array): boolean {
  const reader = new CborReader(node);
  for (let left = reader.readMapHeader(); left > 0; left--) {
    const key = reader.readUint();
    if (key >= 15) return key === 15;
    reader.skip();
  }
  return false;
}

/** A copy of an encoded directory with another subtree. */
export function withSubtree(node: Uint8Array, id: Uint8Array): Uint8Array {
  const copy = node.slice();
  subtreeOf(copy)!.set(id);
  return copy;
}

/** Encoded nodes of a directory, sorted by name. */
export interface NodeSequence {
  readonly count: number;
  /** Bytes of node `i`; 0 where there is none. */
  readonly lengthOf: (i: number) => number;
  /** Copies node `i`, which is there, to byte `at` of `target`. */
  readonly writeNode: (i: number, target: Uint8Array, at: number) => void;
}

export function nodeSequence(nodes: readonly Uint8Array[]): NodeSequence {
  return {
    count: nodes.length,
    lengthOf: (i) => nodes[i]!.length,
    writeNode: (i, target, at) => target.set(nodes[i]!, at),
  };
}

/** Array, version, array of up to 2,048. */
const MAX_TREE_HEAD_BYTES = 5;

/** Tree blobs of a directory: greedily filled, never over 2,048 nodes or 512 KiB unless one node alone is. */
export function encodeTrees(nodes: NodeSequence): readonly Uint8Array[] {
  const trees: Uint8Array[] = [];
  let from = 0;
  do {
    let count = 0;
    let bytes = 0;
    let to = from;
    for (; to < nodes.count; to++) {
      const length = nodes.lengthOf(to);
      if (length === 0) continue;
      const isFull = count === MAX_TREE_NODES || bytes + length + MAX_TREE_HEAD_BYTES > MAX_TREE_BYTES;
      if (count > 0 && isFull) break;
      count++;
      bytes += length;
    }
    trees.push(encodeTree(nodes, { from, to, count, bytes }));
    from = to;
  } while (from < nodes.count);
  return trees;
}

/** Of the `count` nodes between `from` and `to`, which have `bytes`. */
function encodeTree(
  nodes: NodeSequence,
  {
    from,
    to,
    count,
    bytes,
  }: { readonly from: number; readonly to: number; readonly count: number; readonly bytes: number },
): Uint8Array {
  writer.reset();
  writer.arrayHeader(2);
  writer.uint(TREE_VERSION);
  writer.arrayHeader(count);
  const head = writer.written;
  const tree = new Uint8Array(head.length + bytes);
  tree.set(head);
  let at = head.length;
  for (let i = from; i < to; i++) {
    const length = nodes.lengthOf(i);
    if (length === 0) continue;
    nodes.writeNode(i, tree, at);
    at += length;
  }
  return tree;
}

/** One byte a code unit; the inverse of how listings give names. */
export function latin1Bytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

const nameScratch = new Uint8Array(4096);

function writeName(name: string): void {
  if (name.length > nameScratch.length) return writer.bytes(latin1Bytes(name));
  for (let i = 0; i < name.length; i++) nameScratch[i] = name.charCodeAt(i);
  writer.bytes(nameScratch.subarray(0, name.length));
}

/** inode u64 ‖ file system u64. */
function hardLinkKey(stats: Uint32Array, at: number): Uint8Array {
  const words = new Uint32Array([stats[at + 6]!, stats[at + 7]!, stats[at + 14]!, stats[at + 15]!]);
  return new Uint8Array(words.buffer);
}

function writeBytes(key: number, value: Uint8Array): void {
  writer.uint(key);
  writer.bytes(value);
}

function writeTime(key: number, stats: Uint32Array, secondsAt: number, nanoseconds: number): void {
  writer.uint(key);
  const seconds = (BigInt(stats[secondsAt + 1]! | 0) << 32n) | BigInt(stats[secondsAt]!);
  const time = seconds * 1_000_000_000n + BigInt(nanoseconds);
  // File systems can hold years that 64 bits of nanoseconds cannot: such a file is stored with the nearest time.
  writer.int(time > LATEST ? LATEST : time < EARLIEST ? EARLIEST : time);
}

function writeContent(content: EncodedContent): void {
  if (content.kind === 'list') {
    writeBytes(11, content.id);
    return;
  }
  writer.uint(11);
  const count = content.rows.length / CONTENT_ROW_BYTES;
  writer.arrayHeader(count);
  for (let at = 0; at < content.rows.length; at += CONTENT_ROW_BYTES) {
    writer.arrayHeader(2);
    writer.bytes(content.rows.subarray(at, at + 32));
    writer.uint(contentRowLength(content.rows, at));
  }
}

/** Length field of a content row. */
export function contentRowLength(rows: Uint8Array, at: number): number {
  return (rows[at + 32]! | (rows[at + 33]! << 8) | (rows[at + 34]! << 16) | (rows[at + 35]! << 24)) >>> 0;
}

/** Bytes of content that rows stand for. */
export function contentRowsLength(rows: Uint8Array): number {
  let length = 0;
  for (let at = 0; at < rows.length; at += CONTENT_ROW_BYTES) length += contentRowLength(rows, at);
  return length;
}

function writeXattrs(xattrs: readonly Xattr[]): void {
  writer.uint(16);
  writer.mapHeader(xattrs.length);
  // Canonical order of byte-string keys: by length, then bytewise (their heads differ by length).
  const sorted = [...xattrs].sort((a, b) => a.name.length - b.name.length || compare(a.name, b.name));
  for (const xattr of sorted) {
    writer.bytes(xattr.name);
    if (xattr.value instanceof Uint8Array) writer.bytes(xattr.value);
    else writeParts(xattr.value);
  }
}

function writeParts(parts: readonly ContentPart[]): void {
  writer.arrayHeader(parts.length);
  for (const part of parts) {
    writer.arrayHeader(2);
    writer.bytes(part.blob);
    writer.uint(part.length);
  }
}

function compare(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return 0;
}

function writeHoles(holes: readonly (readonly [number, number])[]): void {
  writer.uint(18);
  writer.arrayHeader(holes.length);
  for (const [offset, length] of holes) {
    writer.arrayHeader(2);
    writer.uint(offset);
    writer.uint(length);
  }
}
