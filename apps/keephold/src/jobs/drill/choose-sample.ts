/** Draws the files of a drill from its snapshots, and looks up what belongs to them. */
import { type DrillCandidate, drawKey, drillWeight, isDatabaseName, Sample, type SampleBudget } from '@keephold/drill';
import { EngineError, NodeType, type Repository, type Snapshot, type TreeNode } from '@keephold/engine';
import { type DamagedFolder, walkFiles } from './walk-files.ts';

export interface SampleRequest {
  readonly repository: Repository;
  readonly snapshots: readonly Snapshot[];
  readonly seed: number;
  readonly budget: SampleBudget;
  readonly wasDrilled: (path: Uint8Array) => boolean;
  readonly signal: AbortSignal;
  /** Told of each file that could be drawn; must not be slow. */
  readonly onFile: (path: Uint8Array, met: ChosenSample['met']) => void;
}

/** A file to drill. */
export interface DrawnFile {
  readonly snapshot: Snapshot;
  readonly path: Uint8Array;
  readonly size: number;
}

export interface ChosenSample {
  readonly files: readonly DrawnFile[];
  readonly damagedFolders: readonly (DamagedFolder & { readonly snapshot: Snapshot })[];
  /** All files that could have been drawn, and those that do not fit the budget at all. */
  readonly met: { readonly files: number; readonly bytes: number };
  readonly tooLarge: { readonly files: number; readonly bytes: number };
}

export async function chooseSample(request: SampleRequest): Promise<ChosenSample> {
  const { repository, snapshots, seed, budget, signal, onFile } = request;
  const sample = new Sample<DrawnFile>(budget);
  const damagedFolders: (DamagedFolder & { readonly snapshot: Snapshot })[] = [];
  for (const snapshot of snapshots) {
    const walk = walkFiles(repository, snapshot, (folder) => damagedFolders.push({ ...folder, snapshot }));
    for await (const { path, node } of walk) {
      signal.throwIfAborted();
      const size = node.size ?? 0;
      // Without content there is nothing to bring back, and the backup has said so.
      if (node.content === undefined) continue;
      const weight = weightOf({ path, size, mtime: node.mtime }, snapshot, request);
      sample.offer(drawKey(seed, path, weight), size, () => ({ snapshot, path: path.slice(), size }));
      onFile(path, sample.met);
    }
  }
  return { files: sample.take(), damagedFolders, met: sample.met, tooLarge: sample.tooLarge };
}

function weightOf(candidate: DrillCandidate, snapshot: Snapshot, { wasDrilled }: SampleRequest): number {
  return drillWeight(candidate, { snapshotTime: snapshot.time, wasDrilled: wasDrilled(candidate.path) });
}

/** What stands beside a database and is part of it. */
const COMPANIONS = ['-wal', '-journal'];

/** Nothing that is opened by itself. The last is memory that SQLite shares: it makes it anew. */
export function isCompanion(path: Uint8Array): boolean {
  const end = Buffer.from(path.subarray(-8)).toString('latin1');
  return [...COMPANIONS, '-shm'].some((suffix) => end.endsWith(suffix));
}

export interface FoundFile extends DrawnFile {
  readonly node: TreeNode;
}

/** A drawn file with its entry, and those without which it cannot be opened. */
export async function filesOf(repository: Repository, file: DrawnFile): Promise<readonly FoundFile[]> {
  const found: FoundFile[] = [{ ...file, node: await repository.nodeAt(file.snapshot, file.path) }];
  if (!isDatabaseName(file.path)) return found;
  for (const suffix of COMPANIONS) {
    const path = Buffer.concat([file.path, Buffer.from(suffix)]);
    const node = await nodeOrNone(repository, file.snapshot, path);
    if (node?.content !== undefined) found.push({ snapshot: file.snapshot, path, size: node.size ?? 0, node });
  }
  return found;
}

async function nodeOrNone(repository: Repository, snapshot: Snapshot, path: Uint8Array): Promise<TreeNode | undefined> {
  try {
    const node = await repository.nodeAt(snapshot, path);
    return node.type === NodeType.file ? node : undefined;
  } catch (error) {
    if (error instanceof EngineError && error.code === 'not-found') return undefined;
    throw error;
  }
}
