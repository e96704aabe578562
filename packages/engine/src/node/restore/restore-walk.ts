/**
 * Walks a snapshot's tree and decides about every entry: makes directories, plans files and links into slices, accounts
 * for what needs nothing more. The tree is hostile (security.md §8): names are judged here, the target checks again.
 */
import { compareBytes } from '@keephold/bytes';
import { EngineError } from '../../errors.ts';
import { NodeType, type TreeNode } from '../../node-fields.ts';
import type { ExistingEntry, Target } from '../../target.ts';
import type { Account, Outcome } from './account.ts';
import { FileOption } from './file-rows.ts';
import { failureOf } from './item-failure.ts';
import { joinPath, nameFault } from './judge-name.ts';
import { planFile } from './plan-file.ts';
import type { SnapshotRoot } from '../../reading/repository.ts';
import type { ReadableRepository } from './readable-repository.ts';
import { FIRST_SLICE_ENTRIES, MAX_SLICE_ENTRIES, MAX_SLICE_PARTS, RestoreSlice } from './restore-slice.ts';
import { SlicePlanner } from './slice-planner.ts';
import { existingEntry, type ExistingNames, foldedName, listNames, looksIdentical, nameKey, type Overwrite, strangers } from './target-directory.ts';

const MAX_DEPTH = 1024;

export type Select = (path: Uint8Array, isDirectory: boolean) => 'selected' | 'descend' | 'skipped';

export interface RestoreWalkOptions {
  readonly repository: ReadableRepository;
  readonly snapshot: SnapshotRoot;
  /** Directory of the snapshot whose entries land in the target's root; undefined: the root of the snapshot. */
  readonly root: TreeNode | undefined;
  /** Only this file or link, instead of a directory. */
  readonly single: TreeNode | undefined;
  readonly target: Target;
  readonly account: Account;
  readonly select: Select;
  readonly overwrite: Overwrite;
  readonly delete: boolean;
  readonly dryRun: boolean;
  /** Names that a killed restore may have left behind. */
  readonly isLeftover: (name: Uint8Array) => boolean;
}

/** Something of the target that the snapshot does not have, to be removed at the very end. */
export interface Stranger {
  readonly path: Uint8Array;
}

/** A directory that the walk is in. */
export interface OpenDirectory {
  readonly path: Uint8Array;
  readonly parent: OpenDirectory | undefined;
  readonly depth: number;
  /** Undefined for the root of the file system. */
  readonly node: TreeNode | undefined;
  readonly parts: AsyncIterator<readonly TreeNode[]>;
  nodes: readonly TreeNode[];
  next: number;
  /** Names in the target; undefined: it is new. */
  names: ExistingNames;
  /** Names that were not met yet, to delete (only with --delete). */
  left: Set<string> | undefined;
  /** Names of the snapshot by their folded form (only with --delete). */
  readonly seen: Map<string, string>;
  /** All of it is wanted, or only something in it. */
  readonly selected: boolean;
  /** It is there, or will be without our doing (dry run). */
  made: boolean;
  existed: boolean;
  /** Set when it cannot be made: everything in it shares this fate. */
  blocked: { readonly outcome: Outcome; readonly reason: string } | undefined;
  previous: Uint8Array | undefined;
}

export class RestoreWalk {
  readonly options: RestoreWalkOptions;
  readonly planner: SlicePlanner;
  /** First names of hard-linked files, by their key. */
  readonly firstNames: Map<string, Uint8Array> = new Map();
  readonly strangers: Stranger[] = [];
  /** Directories that lose strangers at the end: finished after that. */
  readonly lateDirectories: RestoreSlice = new RestoreSlice();
  #limit = FIRST_SLICE_ENTRIES;

  constructor(options: RestoreWalkOptions) {
    this.options = options;
    this.planner = new SlicePlanner(options);
  }

  /** All slices in walk order; the work of one may go on while the next is planned. */
  async *slices(): AsyncGenerator<RestoreSlice> {
    const { repository, snapshot, root, single } = this.options;
    let directory: OpenDirectory | undefined = this.#openRoot(single === undefined ? repository.childParts(root ?? snapshot) : only(single));
    while (directory !== undefined) {
      const node = directory.nodes[directory.next++] ?? (await this.#nextChild(directory));
      if (node === undefined) {
        await this.#leave(directory);
        directory = directory.parent;
      } else if (node.type === NodeType.directory) directory = this.#enter(directory, node) ?? directory;
      else yield* this.#visit(directory, node);
      const { slice } = this.planner;
      if (slice.entriesPlanned < this.#limit && slice.content.count < MAX_SLICE_PARTS) continue;
      this.#limit = MAX_SLICE_ENTRIES;
      yield this.planner.nextSlice();
    }
    this.options.account.planComplete = true;
    yield this.planner.nextSlice();
  }

  #openRoot(parts: AsyncIterable<readonly TreeNode[]>): OpenDirectory {
    const { target, root, dryRun } = this.options;
    const directory: OpenDirectory = { ...emptyDirectory, path: new Uint8Array(0), parent: undefined, depth: 0, node: root, parts: parts[Symbol.asyncIterator](), seen: new Map(), selected: this.options.select(new Uint8Array(0), true) !== 'descend', made: true };
    if (!dryRun) target.makeDirectory(directory.path);
    try {
      this.#lookInto(directory);
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
    const directory: OpenDirectory = { ...emptyDirectory, path, parent, depth: parent.depth + 1, node, parts: repository.childParts(node)[Symbol.asyncIterator](), seen: new Map(), selected: selection === 'selected', blocked: parent.blocked };
    directory.blocked ??= this.#judge(parent, node.name);
    if (directory.depth > MAX_DEPTH) {
      account.plannedItems++;
      account.add({ path, type: node.type, outcome: 'failed', reason: `refused: more than ${MAX_DEPTH} directories deep` });
      return undefined;
    }
    account.plannedItems += directory.selected ? 1 : 0;
    if (directory.selected) this.makeDirectory(directory);
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

  /** Makes a directory and those above it that are not made yet. */
  makeDirectory(directory: OpenDirectory): void {
    if (directory.made || directory.blocked !== undefined) return;
    const { parent } = directory;
    if (parent !== undefined && !parent.made) {
      this.options.account.plannedItems++;
      this.makeDirectory(parent);
    }
    if (parent?.blocked !== undefined) {
      directory.blocked = parent.blocked;
      return;
    }
    try {
      directory.blocked = this.#makeOne(directory);
      directory.made = directory.blocked === undefined;
    } catch (cause) {
      directory.blocked = { outcome: 'failed', reason: `its directory cannot be made: ${failureOf(cause).reason}` };
    }
  }

  #makeOne(directory: OpenDirectory): OpenDirectory['blocked'] {
    const { target, dryRun, overwrite } = this.options;
    const { parent, path, node } = directory;
    const listed = parent?.names?.has(nameKey(node!.name)) === true;
    const existing = parent?.names === undefined && dryRun ? undefined : target.inspect(path);
    if (existing !== undefined && !listed) {
      return { outcome: 'failed', reason: 'another name of its directory is the same one to this file system' };
    }
    if (existing !== undefined && existing.type !== NodeType.directory) {
      if (overwrite === 'never') return { outcome: 'skipped', reason: 'something that is no directory has its name' };
      if (!dryRun) target.remove(path);
    }
    directory.existed = existing?.type === NodeType.directory;
    if (!dryRun) target.makeDirectory(path);
    if (directory.existed) this.#lookInto(directory);
    return undefined;
  }

  /** Lists what the target has there. */
  #lookInto(directory: OpenDirectory): void {
    const { target, isLeftover, dryRun, delete: deletes } = this.options;
    const names = listNames(target, directory.path);
    for (const key of names) {
      const name = Buffer.from(key, 'latin1');
      if (!isLeftover(name)) continue;
      names.delete(key);
      if (!dryRun) target.remove(joinPath(directory.path, name));
    }
    directory.names = names;
    if (deletes && directory.selected) directory.left = new Set(names);
  }

  /** Anything but a directory. */
  async *#visit(directory: OpenDirectory, node: TreeNode): AsyncGenerator<RestoreSlice> {
    const path = joinPath(directory.path, node.name);
    const fault = this.#judge(directory, node.name);
    if (fault === undefined && this.options.select(path, false) !== 'selected') return;
    const { account } = this.options;
    account.plannedItems++;
    if (fault === undefined) this.makeDirectory(directory);
    const blocked = fault ?? directory.blocked;
    if (blocked !== undefined) {
      account.add({ path, type: node.type, ...blocked });
      return;
    }
    let existing: ExistingEntry | undefined;
    try {
      existing = existingEntry(this.options.target, directory.names, path, node.name);
    } catch (cause) {
      account.add({ path, type: node.type, outcome: 'failed', reason: failureOf(cause).reason });
      return;
    }
    if (node.type === NodeType.file) yield* planFile(this, { path, node, existing });
    else this.#planLink(path, node, existing);
  }

  #planLink(path: Uint8Array, node: TreeNode, existing: ExistingEntry | undefined): void {
    const { account, overwrite, dryRun } = this.options;
    const { type } = node;
    if (type === NodeType.socket) account.add({ path, type, outcome: 'skipped', reason: 'a socket is made by the program that listens on it' });
    else if (existing !== undefined && overwrite === 'never') account.add({ path, type, outcome: 'skipped', reason: 'it is there already' });
    else if (existing !== undefined && overwrite === 'if-changed' && looksIdentical(existing, node)) account.add({ path, type, outcome: 'identical' });
    else if (existing?.type === NodeType.directory && !this.mayReplaceDirectory(path)) account.add({ path, type, outcome: 'failed', reason: 'a directory that is not empty has its name' });
    else if (dryRun) account.add({ path, type, outcome: 'restored' });
    else this.planner.slice.links.push({ path, node, exists: existing !== undefined });
  }

  /** A directory in the way of something else goes when it is empty, or when what is not in the snapshot is deleted. */
  mayReplaceDirectory(path: Uint8Array): boolean {
    return this.options.delete || this.options.target.list(path).length === 0;
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
    const found = directory.left === undefined || directory.left.size === 0 ? [] : strangers(target, path, directory.left, directory.seen);
    const unwanted = found.filter((stranger) => this.options.select(stranger, target.inspect(stranger)?.type === NodeType.directory) === 'selected');
    this.strangers.push(...unwanted.map((stranger) => ({ path: stranger })));
    if (directory.parent === undefined) this.#leaveRoot(directory, found.length > 0);
    else if (this.options.dryRun) account.add({ path, type, outcome: directory.existed ? 'identical' : 'restored' });
    else if (directory.existed && this.options.overwrite === 'never') account.add({ path, type, outcome: 'skipped', reason: 'it is there already' });
    else await this.#finishLater(unwanted.length > 0 ? this.lateDirectories : this.planner.slice, path, node!, directory.existed);
  }

  /** The target's own directory is no item. It takes the metadata of what it stands for unless it held other things. */
  #leaveRoot(directory: OpenDirectory, hasStrangers: boolean): void {
    if (directory.node === undefined || this.options.dryRun || this.options.single !== undefined) return;
    const foreign = directory.existed && (hasStrangers || this.options.overwrite === 'never' || !this.options.delete);
    if (!foreign) this.lateDirectories.directories.add(directory.path, directory.node, FileOption.metadataOnly, undefined);
  }

  async #finishLater(slice: RestoreSlice, path: Uint8Array, node: TreeNode, existed: boolean): Promise<void> {
    const xattrs = await this.planner.xattrsOf({ path, node });
    if (xattrs === 'failed') return;
    const row = slice.directories.add(path, node, FileOption.metadataOnly, xattrs);
    if (existed) slice.knownDirectories.add(row);
  }
}

const emptyDirectory = { nodes: [], next: 0, names: undefined, left: undefined, made: false, existed: false, blocked: undefined, previous: undefined };

async function* only(node: TreeNode): AsyncGenerator<readonly TreeNode[]> {
  yield [node];
}
