/**
 * Walks a snapshot's tree and decides about every entry: makes directories, plans files and links into slices, accounts
 * for what needs nothing more. The tree is hostile (security.md §8): names are judged here, the target checks again.
 */
import { compareBytes, toHex } from '@keephold/bytes';
import { EngineError } from '../../errors.ts';
import { NodeType, type TreeNode } from '../../node-fields.ts';
import { MAX_PATH_BYTES, MAX_TREE_DEPTH, TreeBudget } from '../../reading/tree-budget.ts';
import type { ExistingEntry } from '../../target.ts';
import { Turn } from '../turn.ts';
import { KEPT } from './account.ts';
import { FileOption } from './file-rows.ts';
import { failureOf } from './item-failure.ts';
import { joinPath, nameFault } from './judge-name.ts';
import { emptyDirectory, lookInto, makeDirectory, type OpenDirectory } from './open-directory.ts';
import { mayReplaceDirectory, planFile, type ReadFirst } from './plan-file.ts';
import { touchesProtected } from './protected-paths.ts';
import { FIRST_SLICE_ENTRIES, MAX_SLICE_ENTRIES, type PlannedLink, RestoreSlice } from './restore-slice.ts';
import { SlicePlanner } from './slice-planner.ts';
import { existingEntry, foldedName, looksIdentical, nameKey, strangers } from './target-directory.ts';
import type { RestoreWalkOptions } from './walk-options.ts';

/** Something of the target that the snapshot does not have, to be removed at the very end. */
export interface Stranger {
  readonly path: Uint8Array;
}

export class RestoreWalk {
  readonly options: RestoreWalkOptions;
  readonly planner: SlicePlanner;
  /** First names of hard-linked files, by their key. */
  readonly firstNames: Map<string, Uint8Array> = new Map();
  readonly strangers: Stranger[] = [];
  /** Directories that lose strangers at the end: finished after that. */
  readonly lateDirectories: RestoreSlice = new RestoreSlice();
  readonly #budget = new TreeBudget();
  readonly #turn = new Turn();
  #limit = FIRST_SLICE_ENTRIES;

  constructor(options: RestoreWalkOptions) {
    this.options = options;
    this.planner = new SlicePlanner(options);
  }

  /** All slices in walk order; the work of one may go on while the next is planned. */
  async *slices(): AsyncGenerator<RestoreSlice> {
    const { repository, snapshot, root, single } = this.options;
    let directory: OpenDirectory | undefined = this.#openRoot(
      single === undefined
        ? this.#budget.parts(
            root === undefined ? snapshot.rootTree : root.subtree,
            repository.childParts(root ?? snapshot),
          )
        : only(single),
    );
    while (directory !== undefined) {
      const node = directory.nodes[directory.next++] ?? (await this.#nextChild(directory));
      if (node === undefined) {
        await this.#leave(directory);
        directory = directory.parent;
      } else if (node.type === NodeType.directory) directory = this.#enter(directory, node) ?? directory;
      else {
        const first = this.#visit(directory, node);
        if (first instanceof Promise) await first;
        else if (first !== undefined) yield* first;
      }
      const { slice } = this.planner;
      if (slice.entriesPlanned < this.#limit && !slice.isFull) continue;
      this.#limit = MAX_SLICE_ENTRIES;
      yield this.planner.nextSlice();
    }
    this.options.account.planComplete = true;
    yield this.planner.nextSlice();
  }

  #openRoot(parts: AsyncIterable<readonly TreeNode[]>): OpenDirectory {
    const { target, root, dryRun } = this.options;
    const directory: OpenDirectory = {
      ...emptyDirectory,
      path: new Uint8Array(0),
      parent: undefined,
      depth: 0,
      node: root,
      parts: parts[Symbol.asyncIterator](),
      seen: new Map(),
      selected: this.options.select(new Uint8Array(0), true) !== 'descend',
      made: true,
    };
    if (!dryRun) target.makeDirectory(directory.path);
    try {
      lookInto(this.options, directory);
    } catch (cause) {
      // A dry run makes no root; then nothing is in it.
      if (!dryRun) throw cause;
    }
    directory.existed = directory.names !== undefined && directory.names.size > 0;
    if (!directory.existed) directory.names = undefined;
    return directory;
  }

  async #nextChild(directory: OpenDirectory): Promise<TreeNode | undefined> {
    try {
      do {
        await this.#turn.take();
        const next = await directory.parts.next();
        if (next.done === true) return undefined;
        directory.nodes = next.value;
        directory.next = 1;
      } while (directory.nodes.length === 0);
      return directory.nodes[0];
    } catch (cause) {
      if (!(cause instanceof EngineError) || (cause.code !== 'damaged' && cause.code !== 'missing')) throw cause;
      // What it holds is not known: nothing of it may be deleted, and it fails as a whole.
      directory.left = undefined;
      directory.blocked ??= { outcome: 'failed', reason: `its list of entries cannot be read: ${cause.message}` };
      return undefined;
    }
  }

  /** Opens a directory of the snapshot; undefined when it is passed over. */
  #enter(parent: OpenDirectory, node: TreeNode): OpenDirectory | undefined {
    const { repository, select, account } = this.options;
    const path = joinPath(parent.path, node.name);
    const selection = nameFault(node.name) === undefined ? select(path, true) : 'selected';
    if (selection === 'skipped') {
      this.#meet(parent, node.name);
      return undefined;
    }
    const directory: OpenDirectory = {
      ...emptyDirectory,
      path,
      parent,
      depth: parent.depth + 1,
      node,
      parts: this.#budget.parts(node.subtree, repository.childParts(node)),
      seen: new Map(),
      selected: selection === 'selected',
      blocked: parent.blocked,
    };
    directory.blocked ??= this.#judge(parent, node.name);
    if (directory.depth > MAX_TREE_DEPTH || path.length > MAX_PATH_BYTES) {
      const reason = `refused: more than ${MAX_TREE_DEPTH} directories deep, or a path of more than ${MAX_PATH_BYTES} bytes`;
      account.plannedItems++;
      account.add({ path, type: node.type, outcome: 'failed', reason });
      return undefined;
    }
    account.plannedItems += directory.selected ? 1 : 0;
    if (directory.selected) makeDirectory(this.options, directory);
    return directory;
  }

  /** Why an entry cannot be restored whatever the target says. Notes its name as met. */
  #judge(directory: OpenDirectory, name: Uint8Array): OpenDirectory['blocked'] {
    const fault = nameFault(name) ?? this.#orderFault(directory, name);
    this.#meet(directory, name);
    return fault === undefined ? undefined : { outcome: 'failed', reason: fault };
  }

  #orderFault(directory: OpenDirectory, name: Uint8Array): string | undefined {
    const repeated = directory.previous !== undefined && compareBytes(directory.previous, name) >= 0;
    return repeated ? 'refused: names of its directory are unsorted or repeated' : undefined;
  }

  #meet(directory: OpenDirectory, name: Uint8Array): void {
    directory.previous = name;
    if (directory.left === undefined) return;
    const key = nameKey(name);
    directory.left.delete(key);
    directory.seen.set(foldedName(key), key);
  }

  /** Anything but a directory. Answers what is to be done first, for the few that need something read. */
  #visit(directory: OpenDirectory, node: TreeNode): ReadFirst {
    const path = joinPath(directory.path, node.name);
    const fault = this.#judge(directory, node.name);
    if (fault === undefined && this.options.select(path, false) !== 'selected') return undefined;
    const { account } = this.options;
    account.plannedItems++;
    if (fault === undefined) makeDirectory(this.options, directory);
    const blocked = fault ?? directory.blocked;
    if (blocked !== undefined) {
      account.add({ path, type: node.type, ...blocked });
      return undefined;
    }
    let existing: ExistingEntry | undefined;
    try {
      existing = existingEntry(this.options.target, directory.names, path, node.name);
    } catch (cause) {
      account.add({ path, type: node.type, outcome: 'failed', reason: failureOf(cause).reason });
      return undefined;
    }
    if (node.type === NodeType.file) return planFile(this, { path, node, existing });
    return this.#planLink(path, node, existing);
  }

  #planLink(path: Uint8Array, node: TreeNode, existing: ExistingEntry | undefined): ReadFirst {
    const { account, overwrite, dryRun } = this.options;
    const { type } = node;
    const key = node.hardLink === undefined ? undefined : toHex(node.hardLink);
    const first = key === undefined ? undefined : this.firstNames.get(key);
    if (type === NodeType.socket)
      account.add({ path, type, outcome: 'skipped', reason: 'a socket is made by the program that listens on it' });
    else if (existing !== undefined && overwrite === 'never') account.add({ path, type, ...KEPT });
    else if (this.#isInPlace(existing, node, first)) {
      if (key !== undefined && first === undefined) this.firstNames.set(key, path);
      account.add({ path, type, outcome: 'identical' });
    } else if (existing?.type === NodeType.directory && !mayReplaceDirectory(this.options, path))
      account.add({ path, type, outcome: 'failed', reason: 'a directory that is not empty has its name' });
    else if (dryRun) account.add({ path, type, outcome: 'restored' });
    else return this.#planNewLink({ path, node, exists: existing !== undefined, key }, first);
    return undefined;
  }

  /** Something that looks like the entry is there, and is the same one as its first name. */
  #isInPlace(existing: ExistingEntry | undefined, node: TreeNode, first: Uint8Array | undefined): boolean {
    const { overwrite, target } = this.options;
    if (existing === undefined || overwrite !== 'if-changed' || !looksIdentical(existing, node)) return false;
    // A link has no mode of its own.
    if (node.type !== NodeType.symlink && existing.mode !== node.mode) return false;
    return first === undefined || target.inspect(first)?.inode === existing.inode;
  }

  async #planNewLink(link: PlannedLink, first: Uint8Array | undefined): Promise<void> {
    const { slice } = this.planner;
    const { key } = link;
    const xattrs = await this.planner.xattrsOf(link);
    if (xattrs === 'failed') return;
    if (key !== undefined && first !== undefined) slice.hardLinks.push({ ...link, key, xattrs });
    else {
      if (key !== undefined) this.firstNames.set(key, link.path);
      slice.links.push({ ...link, xattrs });
    }
  }

  async #leave(directory: OpenDirectory): Promise<void> {
    const { account, target } = this.options;
    const { path, node, blocked } = directory;
    const type = NodeType.directory;
    if (blocked !== undefined) {
      // Those above are accounted for when they are left themselves.
      if (directory.selected || directory.made) account.add({ path, type, ...blocked });
      return;
    }
    if (!directory.made) return;
    const found =
      directory.left === undefined || directory.left.size === 0
        ? []
        : strangers(target, path, directory.left, directory.seen);
    const unwanted = this.options.delete ? found.filter((stranger) => this.#isUnwanted(stranger)) : [];
    this.strangers.push(...unwanted.map((stranger) => ({ path: stranger })));
    if (directory.parent === undefined) await this.#leaveRoot(directory, found.length > 0);
    else if (this.options.dryRun) account.add({ path, type, outcome: directory.existed ? 'identical' : 'restored' });
    else if (directory.existed && this.options.overwrite === 'never') account.add({ path, type, ...KEPT });
    else
      await this.#finishLater(
        unwanted.length > 0 ? this.lateDirectories : this.planner.slice,
        path,
        node!,
        directory.existed,
      );
  }

  /** Whether a stranger is to be deleted. */
  #isUnwanted(path: Uint8Array): boolean {
    const { select, target, protectedPaths, account } = this.options;
    const type = target.inspect(path)?.type ?? NodeType.file;
    if (select(path, type === NodeType.directory) !== 'selected') return false;
    if (!touchesProtected(protectedPaths, path)) return true;
    account.plannedItems++;
    account.add({
      path,
      type,
      outcome: 'skipped',
      reason: 'not deleted: the repository or the state of Keephold is there',
    });
    return false;
  }

  /**
   * The target's own directory is no item. It takes the metadata of what it stands for unless it held other things: what
   * an earlier run left there of the same tree is nothing else.
   */
  async #leaveRoot(directory: OpenDirectory, hasStrangers: boolean): Promise<void> {
    if (directory.node === undefined || this.options.dryRun || this.options.single !== undefined) return;
    const foreign = directory.existed && (hasStrangers || this.options.overwrite === 'never');
    if (!foreign) await this.#finishLater(this.lateDirectories, directory.path, directory.node, false);
  }

  async #finishLater(slice: RestoreSlice, path: Uint8Array, node: TreeNode, existed: boolean): Promise<void> {
    const xattrs = await this.planner.xattrsOf({ path, node });
    if (xattrs === 'failed') return;
    const row = slice.directories.add(path, node, FileOption.metadataOnly, xattrs);
    if (existed) slice.knownDirectories.add(row);
  }
}

async function* only(node: TreeNode): AsyncGenerator<readonly TreeNode[]> {
  yield [node];
}
