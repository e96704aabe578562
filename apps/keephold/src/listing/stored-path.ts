/**
 * Under which name a snapshot has what a path leads to. Links are followed as the snapshot has them, and never out of
 * it: an absolute target begins at its root, above which there is nothing. Links of this system are not followed, since
 * the snapshot may be of another time or machine: where one would help, the failure names what is stored.
 */
import { realpathSync } from 'node:fs';
import { EngineError, NodeType, type Repository, type Snapshot, type TreeNode } from '@keephold/engine';
import { bytesFromRawText, rawTextFromBytes } from '../command-line/raw-text.ts';
import { CommandError, exitCodes } from '../errors.ts';
import { printable } from '../terminal/printable.ts';
import { joinPath, withSlash } from './node-text.ts';

/** As many as Linux follows in one path. */
const MAX_LINKS = 40;

type Tree = Pick<Repository, 'nodeAt'>;

export interface StoredPathRequest {
  readonly snapshot: Snapshot;
  /** As in SnapshotPath. */
  readonly path: Uint8Array;
  /** What to do with a link that the whole path names: those on the way are followed always. */
  readonly lastLink: 'follow' | 'follow-to-folder' | 'keep';
}

/**
 * The path of what `path` leads to, without links on the way.
 * @throws CommandError `not-found`, `too-many-links`
 */
export async function storedPath(tree: Tree, request: StoredPathRequest): Promise<Uint8Array> {
  const { snapshot, path, lastLink } = request;
  const node = await nodeOrNothing(tree, snapshot, path);
  if (node !== undefined && (lastLink === 'keep' || node.type !== NodeType.symlink)) return path;
  const isLastFollowed = lastLink !== 'keep';
  const found = await followLinks(tree, { snapshot, path, isLastFollowed });
  if (found.kind === 'missing') {
    if (lastLink === 'follow-to-folder' && node !== undefined) return path;
    throw await notFound(tree, request, found);
  }
  const leadsElsewhere = lastLink === 'follow-to-folder' && node !== undefined;
  return leadsElsewhere && found.type !== NodeType.directory ? path : found.path;
}

/**
 * The path that the snapshot has for what this system has at `path`, through links of this system; undefined when there
 * is no other, or the snapshot does not have it.
 */
export async function storedUnder(tree: Tree, snapshot: Snapshot, path: Uint8Array): Promise<Uint8Array | undefined> {
  const real = realPath(path);
  if (real === undefined || Buffer.compare(real, path) === 0) return undefined;
  return (await nodeOrNothing(tree, snapshot, real)) === undefined ? undefined : real;
}

/** What to tell of a pattern that found nothing because its folder is stored under another name. */
export async function storedFolder(
  tree: Tree,
  snapshots: readonly Snapshot[],
  pattern: string,
): Promise<string | undefined> {
  const newest = snapshots.toSorted((a, b) => b.seq - a.seq)[0];
  if (!pattern.startsWith('/') || newest === undefined) return undefined;
  const parts = pattern.split('/').slice(1, -1);
  const wild = parts.findIndex((part) => /[*?[]/.test(part));
  const folder = bytesFromRawText((wild < 0 ? parts : parts.slice(0, wild)).join('/'));
  if ((await nodeOrNothing(tree, newest, folder))?.type === NodeType.directory) return undefined;
  const within = await followLinks(tree, { snapshot: newest, path: folder, isLastFollowed: true });
  const stored = within.kind === 'found' ? within.path : await storedUnder(tree, newest, folder);
  if (stored === undefined) return undefined;
  return `${shown(folder)} is stored under the name it has without links: look for ${shown(stored)}/…`;
}

type Followed =
  | { readonly kind: 'found'; readonly path: Uint8Array; readonly type: TreeNode['type'] }
  | {
      readonly kind: 'missing';
      /** What is not there, and the link that led to it. */
      readonly path: Uint8Array;
      readonly link: Uint8Array | undefined;
      readonly cause: EngineError;
    };

interface Following {
  readonly snapshot: Snapshot;
  readonly path: Uint8Array;
  readonly isLastFollowed: boolean;
}

async function followLinks(tree: Tree, { snapshot, path, isLastFollowed }: Following): Promise<Followed> {
  const waiting = componentsOf(path).reverse();
  const reached: Uint8Array[] = [];
  let type: TreeNode['type'] = NodeType.directory;
  let link: Uint8Array | undefined;
  let links = 0;
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const text = Buffer.from(name).toString('latin1');
    if (text === '.') continue;
    if (text === '..') {
      reached.pop();
      continue;
    }
    const at = [...reached, name].reduce(joinPath, new Uint8Array());
    const node = await nodeOrFailure(tree, snapshot, at);
    if (node instanceof EngineError) return { kind: 'missing', path: at, link, cause: node };
    type = node.type;
    const { linkTarget = new Uint8Array() } = node;
    const target = node.type === NodeType.symlink ? componentsOf(linkTarget) : [];
    if (target.length === 0 || (waiting.length === 0 && !isLastFollowed)) {
      reached.push(name);
      continue;
    }
    if (++links > MAX_LINKS) throw tooManyLinks(path);
    link = at;
    type = NodeType.directory;
    if (linkTarget[0] === 0x2f) reached.length = 0;
    waiting.push(...target.reverse());
  }
  return { kind: 'found', path: reached.reduce(joinPath, new Uint8Array()), type };
}

/** Not those that are empty: what several slashes enclose. */
function componentsOf(path: Uint8Array): Uint8Array[] {
  const components: Uint8Array[] = [];
  for (let from = 0; from < path.length; ) {
    const slash = path.indexOf(0x2f, from);
    const end = slash < 0 ? path.length : slash;
    if (end > from) components.push(path.subarray(from, end));
    from = end + 1;
  }
  return components;
}

async function nodeOrNothing(tree: Tree, snapshot: Snapshot, path: Uint8Array): Promise<TreeNode | undefined> {
  const node = await nodeOrFailure(tree, snapshot, path);
  return node instanceof EngineError ? undefined : node;
}

/** The failure when there is none. */
async function nodeOrFailure(tree: Tree, snapshot: Snapshot, path: Uint8Array): Promise<TreeNode | EngineError> {
  try {
    return await tree.nodeAt(snapshot, path);
  } catch (cause) {
    if (cause instanceof EngineError && cause.code === 'not-found') return cause;
    throw cause;
  }
}

/** Of as much of the path as there is on this system, with the rest behind it. */
function realPath(path: Uint8Array): Uint8Array | undefined {
  if (process.platform === 'win32') return undefined;
  const components = componentsOf(path);
  for (let count = components.length; count > 0; count--) {
    const there = components.slice(0, count).reduce(joinPath, new Uint8Array());
    try {
      const real = realpathSync(Buffer.from(withSlash(there)), { encoding: 'buffer' });
      return [...componentsOf(real), ...components.slice(count)].reduce(joinPath, new Uint8Array());
    } catch {
      // Not there any more, or not for us: what is above may be.
    }
  }
  return undefined;
}

async function explainMissing(
  tree: Tree,
  { snapshot, path }: StoredPathRequest,
  { path: missing, link }: { readonly path: Uint8Array; readonly link: Uint8Array | undefined },
): Promise<string> {
  const stored = await storedUnder(tree, snapshot, path);
  if (stored !== undefined)
    return `it is stored under the name it has without links: write ${shown(stored)} behind the colon`;
  if (link !== undefined)
    return `${shown(link)} is a link that leads to ${shown(missing)}, which the snapshot does not have`;
  return 'keephold snapshots and keephold ls show what is there';
}

async function notFound(
  tree: Tree,
  request: StoredPathRequest,
  missing: Extract<Followed, { kind: 'missing' }>,
): Promise<CommandError> {
  const { cause } = missing;
  const hint = await explainMissing(tree, request, missing);
  return new CommandError(cause.message, { code: cause.code, exitCode: exitCodes.failed, hint, cause });
}

function tooManyLinks(path: Uint8Array): CommandError {
  return new CommandError(`find path ${shown(path)}: more than ${MAX_LINKS} links, or links that lead in a circle`, {
    code: 'too-many-links',
    exitCode: exitCodes.failed,
    hint: 'keephold ls --long shows where each of them leads',
  });
}

/** As it can be written again: everything a snapshot has is text here, or bytes that are escaped. */
function shown(path: Uint8Array): string {
  return printable(rawTextFromBytes(withSlash(path)));
}
