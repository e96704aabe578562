/** What differs between two snapshots. Directories with equal trees are not read. */
import { compareBytes, equalBytes } from '@keephold/bytes';
import type { BlobId } from '@keephold/protocol';
import { DamagedError } from '../errors.ts';
import { type ContentPart, NodeType, type TreeNode, type Xattr } from '../node-fields.ts';
import type { Repository } from './repository.ts';
import type { Snapshot } from './snapshot-reader.ts';
import { MAX_PATH_BYTES, MAX_TREE_DEPTH, TreeBudget } from './tree-budget.ts';
import { joinPath } from './tree-walk.ts';

export interface Change {
  readonly path: Uint8Array;
  /** 'metadata': content and type are equal. 'type': another type of entry has the name. */
  readonly change: 'added' | 'removed' | 'modified' | 'metadata' | 'type';
  readonly before?: TreeNode;
  readonly after?: TreeNode;
}

export interface DiffOptions {
  readonly repository: Pick<Repository, 'childParts'>;
  readonly a: Snapshot;
  readonly b: Snapshot;
}

interface Level {
  readonly path: Uint8Array;
  readonly before: Cursor;
  readonly after: Cursor;
}

type Side = TreeNode | Snapshot | undefined;

/** Changes from `a` to `b`, a directory before what it holds; of added and removed directories every entry is told. */
export async function* diff({ repository, a, b }: DiffOptions): AsyncGenerator<Change> {
  const levels: Level[] = [];
  const budgets = { a: new TreeBudget(), b: new TreeBudget() };
  const enter = async (path: Uint8Array, before: Side, after: Side): Promise<void> => {
    if (levels.length >= MAX_TREE_DEPTH || path.length > MAX_PATH_BYTES)
      throw new DamagedError(`compare trees: deeper than ${MAX_TREE_DEPTH}, or longer than ${MAX_PATH_BYTES} bytes`);
    const cursors = [new Cursor(repository, before, budgets.a), new Cursor(repository, after, budgets.b)] as const;
    for (const cursor of cursors) await cursor.advance();
    levels.push({ path, before: cursors[0], after: cursors[1] });
  };
  if (!equalBytes(a.rootTree, b.rootTree)) await enter(new Uint8Array(), a, b);
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const [before, after] = nextPair(level.before.node, level.after.node);
    const name = (before ?? after)?.name;
    if (name === undefined) {
      levels.pop();
      continue;
    }
    const path = joinPath(level.path, name);
    const change = changeOf(before, after);
    if (change !== undefined) yield { path, change, ...(before && { before }), ...(after && { after }) };
    if (before !== undefined) await level.before.advance();
    if (after !== undefined) await level.after.advance();
    if (needsEntering(before, after)) await enter(path, before, after);
  }
}

/** Walks one directory; an absent one and what is no directory are empty. */
class Cursor {
  /** The entry it stands at; undefined at the end. */
  node: TreeNode | undefined;
  readonly #parts: AsyncIterator<readonly TreeNode[]> | undefined = undefined;
  #nodes: readonly TreeNode[] = [];
  #next = 0;

  constructor(repository: DiffOptions['repository'], of: Side, budget: TreeBudget) {
    if (of === undefined) return;
    this.#parts = budget.parts('rootTree' in of ? of.rootTree : of.subtree, repository.childParts(of));
  }

  async advance(): Promise<void> {
    while (this.#next === this.#nodes.length && this.#parts !== undefined) {
      const { done, value } = await this.#parts.next();
      if (done === true) break;
      this.#nodes = value;
      this.#next = 0;
    }
    this.node = this.#nodes[this.#next++];
  }
}

/** The entry or entries with the next name. */
function nextPair(
  before: TreeNode | undefined,
  after: TreeNode | undefined,
): [TreeNode | undefined, TreeNode | undefined] {
  if (before === undefined || after === undefined) return [before, after];
  const order = compareBytes(before.name, after.name);
  return [order <= 0 ? before : undefined, order >= 0 ? after : undefined];
}

function needsEntering(before: TreeNode | undefined, after: TreeNode | undefined): boolean {
  return !sameId(before?.subtree, after?.subtree);
}

function changeOf(before: TreeNode | undefined, after: TreeNode | undefined): Change['change'] | undefined {
  if (before === undefined) return 'added';
  if (after === undefined) return 'removed';
  if (before.type !== after.type) return 'type';
  if (!sameContent(before, after)) return 'modified';
  return sameMetadata(before, after) ? undefined : 'metadata';
}

/** What lies in a directory is told by its own entries. */
function sameContent(a: TreeNode, b: TreeNode): boolean {
  if (a.type === NodeType.directory) return true;
  const sameTarget = sameId(a.linkTarget, b.linkTarget);
  const sameDevice = a.device?.[0] === b.device?.[0] && a.device?.[1] === b.device?.[1];
  return sameTarget && sameDevice && (a.size ?? 0) === (b.size ?? 0) && sameParts(a.content, b.content);
}

function sameParts(a: TreeNode['content'], b: TreeNode['content']): boolean {
  if (!isParts(a) || !isParts(b)) return !isParts(a) && !isParts(b) && sameId(a, b);
  return a.length === b.length && a.every((part, i) => equalPart(part, b[i] as ContentPart));
}

function isParts(content: TreeNode['content']): content is readonly ContentPart[] {
  return Array.isArray(content);
}

function equalPart(a: ContentPart, b: ContentPart): boolean {
  return a.length === b.length && equalBytes(a.blob, b.blob);
}

/** What changes by itself (ctime, inode) and how content is laid out (holes) do not count. */
function sameMetadata(a: TreeNode, b: TreeNode): boolean {
  const numbers = a.mode === b.mode && a.uid === b.uid && a.gid === b.gid && a.mtime === b.mtime && a.flags === b.flags;
  return numbers && sameId(a.user, b.user) && sameId(a.group, b.group) && sameXattrs(a.xattrs, b.xattrs);
}

function sameXattrs(a: readonly Xattr[] = [], b: readonly Xattr[] = []): boolean {
  return a.length === b.length && a.every((xattr, i) => sameXattr(xattr, b[i] as Xattr));
}

function sameXattr(a: Xattr, b: Xattr): boolean {
  if (!equalBytes(a.name, b.name)) return false;
  if (a.value instanceof Uint8Array || b.value instanceof Uint8Array) {
    return a.value instanceof Uint8Array && b.value instanceof Uint8Array && equalBytes(a.value, b.value);
  }
  return sameParts(a.value, b.value);
}

function sameId(a: Uint8Array | BlobId | undefined, b: Uint8Array | BlobId | undefined): boolean {
  return a === undefined || b === undefined ? a === b : equalBytes(a, b);
}
