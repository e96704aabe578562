/**
 * Puts the newest snapshots of all series of a device together so that every item comes from one of them: the newest that
 * has it. A folder of an older series that lies in a newer snapshot is left out, and a folder of a newer series is left
 * out of an older snapshot around it.
 */
import { EngineError, NodeType, type Repository, type Snapshot } from '@keephold/engine';
import { type Destination, inPlaceDestination } from '../../listing/restore-destinations.ts';

/** Folders that were backed up, as paths within the snapshot: they are stored as the system writes them. */
export function rootsOf({ paths }: Pick<Snapshot, 'paths'>): readonly Uint8Array[] {
  return paths.map((path) => path.subarray(path[0] === 0x2f ? 1 : 0));
}

export interface RestorePart extends Destination {
  readonly snapshot: Snapshot;
  /** Paths in the snapshot that come from others. */
  readonly leftOut: readonly Uint8Array[];
  /** Whether another part restores the folders above its own. */
  readonly isBeside: boolean;
}

export interface RestoreParts {
  readonly parts: readonly RestorePart[];
  /** Folders of older series that a newer snapshot has. */
  readonly covered: readonly { readonly snapshot: Snapshot; readonly path: Uint8Array }[];
}

interface Root {
  readonly snapshot: Snapshot;
  readonly path: Uint8Array;
}

/** `snapshots`: newest first. `target`: a folder for the whole trees; undefined: each to where it was. */
export async function restoreParts(
  repository: Repository,
  snapshots: readonly Snapshot[],
  target: string | undefined,
): Promise<RestoreParts> {
  const [parts, covered, taken]: [RestorePart[], Root[], Root[]] = [[], [], []];
  for (const snapshot of snapshots) {
    const own: Root[] = [];
    const older: Root[] = [];
    for (const path of rootsOf(snapshot)) {
      ((await isCovered(repository, path, taken)) ? older : own).push({ snapshot, path });
    }
    covered.push(...older);
    if (own.length === 0) continue;
    const leftOut = [...older, ...taken].map(({ path }) => path);
    if (target !== undefined) {
      parts.push({ snapshot, path: new Uint8Array(0), root: target, leftOut, isBeside: taken.length > 0 });
    } else {
      for (const { path } of own) {
        const isDirectory = path.length === 0 || (await repository.nodeAt(snapshot, path)).type === NodeType.directory;
        parts.push({ ...inPlaceDestination({ path, isDirectory }), snapshot, leftOut, isBeside: false });
      }
    }
    taken.push(...own);
  }
  return { parts, covered };
}

/** Whether a newer snapshot around the path has it; one that excludes it does not. */
async function isCovered(repository: Repository, path: Uint8Array, newer: readonly Root[]): Promise<boolean> {
  for (const { snapshot, path: around } of newer) {
    if (isWithin(path, around) && (await has(repository, snapshot, path))) return true;
  }
  return false;
}

async function has(repository: Repository, snapshot: Snapshot, path: Uint8Array): Promise<boolean> {
  try {
    await repository.nodeAt(snapshot, path);
    return true;
  } catch (error) {
    if (error instanceof EngineError && error.code === 'not-found') return false;
    throw error;
  }
}

/** Whether it is the folder or in it. */
export function isWithin(path: Uint8Array, folder: Uint8Array): boolean {
  if (folder.length === 0) return true;
  if (path.length < folder.length || Buffer.compare(path.subarray(0, folder.length), folder) !== 0) return false;
  return path.length === folder.length || path[folder.length] === 0x2f;
}
