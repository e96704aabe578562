/**
 * Says what is wrong with a snapshot, independently of the code that made it: every blob that can be reached stands in
 * a pack of the committed refset (security.md §6.5), and names, types, sizes, targets and contents are those of the
 * disk. Contents are compared by id: what a file has on disk, cut as the tree says, must have the ids that it names.
 */
import { closeSync, lstatSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import { toHex } from '@keephold/bytes';
import type { Repository, Snapshot } from '@keephold/engine';
import { readingTools } from '@keephold/engine/node';
import { type Custody, containsPackId } from '@keephold/protocol';
import type { BackupRepository } from './_backup-repository.ts';

export interface Truth {
  /** `refset` for blobs without a place, `content` for differences from the disk. */
  readonly problems: readonly string[];
  readonly snapshot: Snapshot;
  /** Paths with one code unit a byte, roots included, the directories above them too. */
  readonly paths: ReadonlySet<string>;
  readonly holes: ReadonlyMap<string, number>;
}

export interface TruthOptions {
  /** Number of the snapshot; the latest when left out. */
  readonly seq?: number;
  /** Folder whose content must be all there; left out: only the refset is looked at. */
  readonly root?: string | Uint8Array;
  /** Contents are not read from disk: for files too large for that. */
  readonly namesOnly?: boolean;
}

export async function truthOf(backups: BackupRepository, options: TruthOptions = {}): Promise<Truth> {
  return await backups.read(async (repository, custody) => {
    const snapshot = await repository.snapshot(options.seq === undefined ? 'latest' : `#${options.seq}`);
    const problems: string[] = [];
    const refset = await repository.refset(snapshot);
    await requireReferable(custody, repository, refset, problems);
    const held = await heldBlobs(repository, refset);
    watchPacks(custody, refset, problems);
    const { paths, holes, contents } = await walkAll(repository, snapshot, {
      held,
      problems,
    });
    if (options.root !== undefined) {
      const { computeBlobId } = readingTools(repository.idKey, { native: true });
      compareWithDisk(Buffer.from(options.root), {
        paths,
        contents,
        problems,
        computeBlobId,
        namesOnly: options.namesOnly === true,
      });
    }
    return { problems, snapshot, paths: new Set(paths.keys()), holes };
  });
}

interface StoredEntry {
  readonly type: number;
  readonly size: number | undefined;
  readonly target: string | undefined;
  readonly note: string | undefined;
}

type Part = { readonly blob: Uint8Array; readonly length: number };

async function requireReferable(
  custody: Custody,
  repository: Repository,
  refset: Uint8Array,
  problems: string[],
): Promise<void> {
  const referable = await custody.referablePacks(repository.vaultId);
  for (let at = 0; at < refset.length; at += 32) {
    const id = refset.subarray(at, at + 32);
    if (!containsPackId(referable, id)) problems.push(`refset: pack ${toHex(id)} is not kept`);
  }
}

/** Ids of all blobs in packs of the refset. */
async function heldBlobs(repository: Repository, refset: Uint8Array): Promise<ReadonlySet<string>> {
  const held = new Set<string>();
  for await (const { packs } of repository.indexObjects('all')) {
    for (const { packId, contents } of packs) {
      if (!containsPackId(refset, packId)) continue;
      for (let at = 0; at < contents.blobs.length; at += 48) held.add(toHex(contents.blobs.subarray(at, at + 32)));
    }
  }
  return held;
}

/** Trees come only from packs of the refset: what is read from another is told. */
function watchPacks(custody: Custody, refset: Uint8Array, problems: string[]): void {
  const getPack = custody.getPack.bind(custody);
  custody.getPack = async (vault, packId, into, range) => {
    if (!containsPackId(refset, packId)) problems.push(`refset: pack ${toHex(packId)} was read`);
    return await getPack(vault, packId, into, range);
  };
}

async function walkAll(
  repository: Repository,
  snapshot: Snapshot,
  { held, problems }: { readonly held: ReadonlySet<string>; readonly problems: string[] },
): Promise<{ paths: Map<string, StoredEntry>; holes: Map<string, number>; contents: Map<string, Part[]> }> {
  const paths = new Map<string, StoredEntry>();
  const holes = new Map<string, number>();
  const contents = new Map<string, Part[]>();
  const need = (id: Uint8Array, of: string): void => {
    if (!held.has(toHex(id))) problems.push(`refset: a blob of ${of} has no place`);
  };
  need(snapshot.rootTree, 'the root');
  for await (const { path, node } of repository.walk(snapshot)) {
    const name = `/${Buffer.from(path).toString('latin1')}`.replace(/^\/+/, '/');
    const target = node.linkTarget === undefined ? undefined : Buffer.from(node.linkTarget).toString('latin1');
    paths.set(name, { type: node.type, size: node.size, target, note: node.note });
    if (node.subtree !== undefined) need(node.subtree, name);
    if (node.type !== 0) continue;
    const parts: Part[] = [];
    let size = 0;
    for await (const some of repository.contentParts(node)) parts.push(...some);
    for (const part of parts) {
      need(part.blob, name);
      size += part.length;
    }
    if (size !== (node.size ?? 0)) problems.push(`content: parts of ${name} have ${size} bytes of ${node.size}`);
    if (node.holes !== undefined && node.holes.length > 0)
      holes.set(
        name,
        node.holes.reduce((sum, [, length]) => sum + length, 0),
      );
    contents.set(name, parts);
  }
  return { paths, holes, contents };
}

interface Comparison {
  readonly paths: ReadonlyMap<string, StoredEntry>;
  readonly contents: ReadonlyMap<string, readonly Part[]>;
  readonly problems: string[];
  readonly computeBlobId: (kind: 1 | 2 | 3, plaintext: Uint8Array, out: Uint8Array) => void;
  readonly namesOnly: boolean;
}

function compareWithDisk(root: Buffer, comparison: Comparison): void {
  const { paths, problems } = comparison;
  const prefix = root.toString('latin1');
  const seen = new Set<string>();
  const visit = (path: Buffer): void => {
    const name = path.toString('latin1');
    seen.add(name);
    const stat = lstatSync(path);
    const entry = paths.get(name);
    if (entry === undefined) {
      problems.push(`content: ${name} is missing`);
      return;
    }
    const type = stat.isFile() ? 0 : stat.isDirectory() ? 1 : stat.isSymbolicLink() ? 2 : stat.isFIFO() ? 3 : -1;
    if (type !== -1 && entry.type !== type) problems.push(`content: ${name} is of type ${entry.type}`);
    if (type === 0) compareFile(path, stat.size, comparison);
    if (type === 2 && entry.target !== readlinkSync(path, 'buffer').toString('latin1'))
      problems.push(`content: target of ${name}`);
    if (type === 1)
      for (const child of readdirSync(path, 'buffer')) visit(Buffer.concat([path, Buffer.from('/'), child]));
  };
  visit(root);
  for (const path of paths.keys()) {
    if (path.startsWith(`${prefix}/`) && !seen.has(path)) problems.push(`content: ${path} is not on the disk`);
  }
}

function compareFile(
  path: Buffer,
  size: number,
  { paths, contents, problems, computeBlobId, namesOnly }: Comparison,
): void {
  const name = path.toString('latin1');
  if ((paths.get(name)?.size ?? 0) !== size) problems.push(`content: ${name} has ${paths.get(name)?.size} bytes`);
  if (namesOnly) return;
  const id = new Uint8Array(32);
  const file = openSync(path, 'r');
  try {
    let at = 0;
    for (const { blob, length } of contents.get(name) ?? []) {
      const bytes = new Uint8Array(length);
      const read = readSync(file, bytes, 0, length, at);
      computeBlobId(1, bytes, id);
      if (read !== length || toHex(id) !== toHex(blob)) {
        problems.push(`content: ${name} differs at ${at}`);
        return;
      }
      at += length;
    }
  } finally {
    closeSync(file);
  }
}
