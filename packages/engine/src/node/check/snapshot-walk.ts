/**
 * Walks the trees of snapshots and shows every blob they reach to a judge. A subtree that was seen is not walked again
 * while nothing that it was judged by has changed, unless something in it was reported: every snapshot that has it is
 * told, once. Paths are built only for what is reported.
 */
import type { BlobId } from '@keephold/protocol';
import { DamagedError, EngineError } from '../../errors.ts';
import type { ListEntry } from '../../list-codec.ts';
import { NodeType, type TreeNode } from '../../node-fields.ts';
import { BlobKind } from '../../pack-contents.ts';
import type { Blob } from '../../reading/blob-reader.ts';
import { IdTable } from '../../reading/id-table.ts';
import { checkedList, type ListExpectation } from '../../reading/list-reader.ts';
import { MAX_TREE_DEPTH } from '../../reading/tree-budget.ts';
import { readDirectory } from '../../reading/tree-reader.ts';

export interface WalkJudge {
  /** A blob that a snapshot reaches; `where` gives the path of what needs it. */
  blob(id: Uint8Array, kind: BlobKind | undefined, where: () => string): void;
  /** A tree or list that cannot be read. */
  unreadable(error: EngineError, where: () => string): void;
}

export interface SnapshotWalkOptions {
  readonly judge: WalkJudge;
  /** Kind of a tree or list blob by the index; undefined when no index lists it. */
  readonly kindOf: (id: Uint8Array) => BlobKind | undefined;
  readonly readBlob: (id: BlobId, kind: BlobKind) => Promise<Uint8Array>;
  readonly signal: AbortSignal;
  /** Trees read so far, for progress. */
  readonly onTree: () => void;
}

interface Level {
  readonly name: Uint8Array;
  /** Of its subtree, among those that were seen. */
  readonly number: number;
  readonly isNew: boolean;
  readonly parts: AsyncIterator<readonly TreeNode[]>;
  nodes: readonly TreeNode[];
  next: number;
}

/** A directory, and the snapshot it is met in. */
interface Entered {
  readonly name: Uint8Array;
  readonly subtree: BlobId;
  readonly label: string;
}

export class SnapshotWalk {
  readonly #options: SnapshotWalkOptions;
  #seen = new IdTable();
  /** Seen subtrees in which something was reported, by number: the last snapshot that was told, counted from 1. */
  readonly #reported = new Map<number, number>();
  #snapshots = 0;
  /** Lists of contents that were seen, with what was found. */
  #lists = new IdTable();
  readonly #listOf: { readonly level: number; readonly bytes: number }[] = [];

  constructor(options: SnapshotWalkOptions) {
    this.#options = options;
  }

  /** What was seen must be looked at again. */
  forget(): void {
    this.#seen = new IdTable();
    this.#reported.clear();
    this.#lists = new IdTable();
  }

  async walk(label: string, rootTree: BlobId): Promise<void> {
    this.#snapshots++;
    // Their blobs are to be reported once more.
    if (this.#reported.size > 0) this.#lists = new IdTable();
    const levels: Level[] = [];
    const where = (): string => this.#place(label, levels);
    this.#enter(levels, { name: new Uint8Array(0), subtree: rootTree, label }, where);
    for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
      this.#options.signal.throwIfAborted();
      const node = level.nodes[level.next++] ?? (await this.#nextPart(level, where));
      if (node === undefined) levels.pop();
      else {
        const lists = this.#visit(node, levels, label);
        if (lists !== undefined) await lists;
      }
    }
  }

  #enter(levels: Level[], { name, subtree, label }: Entered, where: () => string): void {
    const isNew = !this.#seen.has(subtree);
    const number = this.#seen.add(subtree);
    if (!isNew) {
      const told = this.#reported.get(number);
      if (told === undefined || told === this.#snapshots) return;
      this.#reported.set(number, this.#snapshots);
    }
    if (levels.length > MAX_TREE_DEPTH) {
      const error = new DamagedError(`walk tree: directories are more than ${MAX_TREE_DEPTH} deep`);
      this.#options.judge.unreadable(error, where);
      return;
    }
    // Read when it is the last of the levels, which have its name by then.
    const read = async (id: BlobId): Promise<Blob> => await this.#read(id, () => this.#place(label, levels));
    levels.push({ name, number, isNew, parts: readDirectory(read, subtree), nodes: [], next: 0 });
  }

  async #nextPart(level: Level, where: () => string): Promise<TreeNode | undefined> {
    return await this.#orReport(where, async () => {
      for (;;) {
        const next = await level.parts.next();
        if (next.done === true) return undefined;
        if (level.isNew) this.#options.onTree();
        level.nodes = next.value;
        level.next = 1;
        if (level.nodes.length > 0) return level.nodes[0];
      }
    });
  }

  /** The path of what is reported; from here on all directories on the way to it count as reported. */
  #place(label: string, levels: readonly Level[], name?: Uint8Array): string {
    for (const { number } of levels) this.#reported.set(number, this.#snapshots);
    return pathText(label, levels, name);
  }

  /** Answers a promise only where lists have to be read: nearly all entries have all they say in their node. */
  #visit(node: TreeNode, levels: Level[], label: string): Promise<void> | undefined {
    const where = (): string => this.#place(label, levels, node.name);
    const { judge } = this.#options;
    for (const { value } of node.xattrs ?? []) {
      if (!(value instanceof Uint8Array)) for (const { blob } of value) judge.blob(blob, BlobKind.data, where);
    }
    if (node.type === NodeType.directory && node.subtree !== undefined)
      this.#enter(levels, { name: node.name, subtree: node.subtree, label }, where);
    const { content } = node;
    if (content === undefined) return undefined;
    if (Array.isArray(content)) {
      for (const { blob } of content) judge.blob(blob, BlobKind.data, where);
      return undefined;
    }
    const expected = { childKind: BlobKind.data, bytes: node.size ?? 0 };
    return this.#orReport(where, () => this.#visitList(content as BlobId, expected, where));
  }

  /** A list is read once: a hostile one may stand in others a thousand times, and those in others again. */
  async #visitList(id: BlobId, expected: ListExpectation, where: () => string): Promise<void> {
    const known = this.#lists.find(id);
    if (known >= 0) return requireSame(this.#listOf[known]!, expected);
    const { kind, bytes } = await this.#read(id, where);
    if (kind !== BlobKind.list) throw new DamagedError(`read list: it is a blob of kind ${kind}`);
    const { level, entries } = checkedList(id, bytes, expected);
    for (const entry of entries) {
      if (level === 0) this.#options.judge.blob(entry.blob, BlobKind.data, where);
      else await this.#visitList(entry.blob, { ...expected, level: level - 1, bytes: entry.bytes }, where);
    }
    this.#listOf[this.#lists.add(id)] = { level, bytes: sumOf(entries) };
  }

  async #read(id: BlobId, where: () => string): Promise<Blob> {
    const { judge, kindOf, readBlob } = this.#options;
    const kind = kindOf(id);
    judge.blob(id, kind, where);
    return { kind: kind ?? BlobKind.tree, bytes: await readBlob(id, kind ?? BlobKind.tree) };
  }

  async #orReport<T>(where: () => string, read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof EngineError) || (error.code !== 'damaged' && error.code !== 'missing')) throw error;
      this.#options.judge.unreadable(error, where);
      return undefined;
    }
  }
}

function requireSame(found: { readonly level: number; readonly bytes: number }, expected: ListExpectation): void {
  const sameLevel = expected.level === undefined || expected.level === found.level;
  if (sameLevel && expected.bytes === found.bytes) return;
  throw new DamagedError('read list: its level or its bytes are not what it stands for');
}

function sumOf(entries: readonly ListEntry[]): number {
  return entries.reduce((sum, { bytes }) => sum + bytes, 0);
}

function pathText(label: string, levels: readonly Level[], name?: Uint8Array): string {
  const names = levels.slice(1).map((level) => level.name);
  if (name !== undefined) names.push(name);
  return `${label}:/${names.map(nameText).join('/')}`;
}

/** For messages: control characters are escaped, so that a name cannot fake output. */
function nameText(name: Uint8Array): string {
  const text = Buffer.from(name.buffer, name.byteOffset, name.length).toString('utf8');
  return text.replace(/\p{Cc}/gu, (char) => `\\x${char.codePointAt(0)!.toString(16).padStart(2, '0')}`);
}
