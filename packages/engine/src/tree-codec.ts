/**
 * Tree blobs (format.md §6): CBOR `[1, nodes]`, nodes sorted by name bytes, no name twice. Decoding refuses everything
 * not canonical and everything a directory cannot hold; the names themselves are judged where they are used.
 */
import { CborError, CborReader, compareBytes, MAX_CBOR_DEPTH } from '@keephold/bytes';
import type { BlobId } from '@keephold/protocol';
import { DamagedError } from './errors.ts';
import { type ContentPart, NodeType, type TreeNode, type Xattr } from './node-fields.ts';

export const TREE_VERSION = 1;
export const MAX_TREE_NODES = 2048;
export const MAX_TREE_BYTES: number = 512 * 1024;
export const MAX_INLINE_PARTS = 256;
const MAX_HOLES = 1024;
const MAX_NODE_KEY = 20;
/** Containers around a field of a node: the tree, its nodes, the node. */
const NODE_DEPTH = 3;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Draft = Partial<Mutable<TreeNode>>;

/** Nodes of one tree blob. Byte fields are views into `bytes`. */
export function decodeTree(bytes: Uint8Array): TreeNode[] {
  try {
    const reader = new CborReader(bytes);
    if (reader.readArrayHeader() !== 2 || reader.readUint() !== TREE_VERSION) throw damagedTree('version');
    const count = reader.readArrayHeader();
    const nodes: TreeNode[] = [];
    let previous: Uint8Array | undefined;
    for (let i = 0; i < count; i++) {
      const node = decodeNode(reader);
      if (previous !== undefined && compareBytes(previous, node.name) >= 0)
        throw damagedTree('names unsorted or repeated');
      previous = node.name;
      nodes.push(node);
    }
    reader.end();
    return nodes;
  } catch (cause) {
    if (cause instanceof CborError) throw new DamagedError(`read tree: ${cause.message}`, { cause });
    throw cause;
  }
}

/** Reads one node. */
export function decodeNode(reader: CborReader): TreeNode {
  const keys = reader.readMapHeader();
  const draft: Draft = {};
  let key = -1;
  for (let i = 0; i < keys; i++) {
    key = reader.readIntegerKey(key);
    readField(reader, key, draft);
  }
  return finishNode(draft);
}

function finishNode(draft: Draft): TreeNode {
  const { name, type, mode, uid, gid, mtime } = draft;
  if (name === undefined || type === undefined || mode === undefined || mtime === undefined) {
    throw damagedTree('a required field is missing');
  }
  if (type > NodeType.socket || mode > 0o7777) throw damagedTree('type or mode');
  if (draft.content !== undefined && type !== NodeType.file) throw damagedTree('content of something that is no file');
  if (draft.subtree !== undefined && type !== NodeType.directory) throw damagedTree('subtree of a non-directory');
  if ((type === NodeType.symlink) !== (draft.linkTarget !== undefined)) throw damagedTree('link target');
  if (Array.isArray(draft.content)) checkLengths(draft.content, draft.size ?? 0);
  return { ...draft, name, type, mode, uid: uid ?? 0, gid: gid ?? 0, mtime };
}

function checkLengths(parts: readonly ContentPart[], size: number): void {
  let sum = 0;
  for (const part of parts) sum += part.length;
  if (sum !== size) throw damagedTree('lengths do not sum to the size');
}

// One case a key of format.md §6: a table of functions would hide the order that the format fixes.
function readField(reader: CborReader, key: number, draft: Draft): void {
  switch (key) {
    case 0:
      draft.name = reader.readBytes();
      return;
    case 1:
      draft.type = reader.readUint() as TreeNode['type'];
      return;
    case 2:
      draft.mode = reader.readUint();
      return;
    case 3:
      draft.uid = reader.readUint();
      return;
    case 4:
      draft.gid = reader.readUint();
      return;
    case 5:
      draft.user = reader.readBytes();
      return;
    case 6:
      draft.group = reader.readBytes();
      return;
    case 7:
      draft.mtime = readTime(reader);
      return;
    case 8:
      draft.ctime = readTime(reader);
      return;
    case 9:
      draft.btime = readTime(reader);
      return;
    case 10:
      draft.size = reader.readUint();
      return;
    case 11:
      draft.content = readContent(reader);
      return;
    case 12:
      draft.subtree = readId(reader);
      return;
    default:
      readRareField(reader, key, draft);
  }
}

function readRareField(reader: CborReader, key: number, draft: Draft): void {
  switch (key) {
    case 13:
      draft.linkTarget = reader.readBytes();
      return;
    case 14:
      if (reader.readArrayHeader() !== 2) throw damagedTree('device');
      draft.device = [reader.readUint(), reader.readUint()];
      return;
    case 15:
      draft.hardLink = reader.readBytes();
      if (draft.hardLink.length !== 16) throw damagedTree('hard link key');
      return;
    case 16:
      draft.xattrs = readXattrs(reader);
      return;
    case 17:
      draft.flags = reader.readUint();
      return;
    case 18:
      draft.holes = readHoles(reader);
      return;
    case 19:
      draft.note = reader.readText();
      return;
    case MAX_NODE_KEY:
      reader.skip(MAX_CBOR_DEPTH - NODE_DEPTH);
      return;
    default:
      throw damagedTree(`unknown field ${key}`);
  }
}

function readTime(reader: CborReader): bigint {
  const time = BigInt(reader.readInt());
  if (BigInt.asIntN(64, time) !== time) throw damagedTree('time beyond 64 bits');
  return time;
}

function readContent(reader: CborReader): readonly ContentPart[] | BlobId {
  if (reader.peekType() === 'bytes') return readId(reader);
  const count = reader.readArrayHeader();
  if (count > MAX_INLINE_PARTS) throw damagedTree('number of content parts');
  return readParts(reader, count);
}

function readParts(reader: CborReader, count: number): readonly ContentPart[] {
  if (count < 1) throw damagedTree('number of content parts');
  const parts: ContentPart[] = [];
  for (let i = 0; i < count; i++) {
    if (reader.readArrayHeader() !== 2) throw damagedTree('content part');
    const blob = readId(reader);
    const length = reader.readUint();
    if (length < 1) throw damagedTree('empty content part');
    parts.push({ blob, length });
  }
  return parts;
}

function readId(reader: CborReader): BlobId {
  const id = reader.readBytes();
  if (id.length !== 32) throw damagedTree('blob id');
  return id as BlobId;
}

function readXattrs(reader: CborReader): readonly Xattr[] {
  const count = reader.readMapHeader();
  const xattrs: Xattr[] = [];
  let name: Uint8Array | undefined;
  for (let i = 0; i < count; i++) {
    name = reader.readBytesKey(name);
    if (reader.peekType() === 'bytes') xattrs.push({ name, value: reader.readBytes() });
    else xattrs.push({ name, value: readParts(reader, reader.readArrayHeader()) });
  }
  return xattrs;
}

function readHoles(reader: CborReader): readonly (readonly [number, number])[] {
  const count = reader.readArrayHeader();
  if (count < 1 || count > MAX_HOLES) throw damagedTree('number of holes');
  const holes: (readonly [number, number])[] = [];
  for (let i = 0; i < count; i++) {
    if (reader.readArrayHeader() !== 2) throw damagedTree('hole');
    holes.push([reader.readUint(), reader.readUint()]);
  }
  return holes;
}

function damagedTree(cause: string): DamagedError {
  return new DamagedError(`read tree: ${cause}`);
}
