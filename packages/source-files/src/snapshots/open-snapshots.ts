/**
 * Snapshots for the paths of one backup: finds the file system of each, has its tool make a snapshot of the volume, and
 * knows which path is then read where. What is mounted below is another file system with a snapshot of its own, or read
 * where it is.
 */
import type { FrozenFiles } from '@keephold/engine';
import { SnapshotError } from '../errors.ts';
import { printablePath } from '../printable-path.ts';
import { FrozenPaths } from './frozen-paths.ts';
import { isWithin, type Mount, mountOf, mountsBelow, readMounts } from './mounts.ts';
import type { FileSystemSnapshot, SnapshotTool } from './snapshot-tool.ts';

export interface OpenSnapshotsOptions {
  /** Absolute, raw bytes, none inside another, the root of the file system empty. */
  readonly roots: readonly Uint8Array[];
  readonly tools: readonly SnapshotTool[];
  /** Whether a root without a snapshot is read as it changes, or ends it all. */
  readonly otherwise: 'read-live' | 'fail';
  /** Roots are not left for what is mounted below. */
  readonly oneFileSystem: boolean;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export interface SnapshotPath {
  /** A root, or something mounted below one. */
  readonly path: Uint8Array;
  readonly fileSystem: string;
  /** The volume of which the snapshot is. */
  readonly volume: Uint8Array;
  /** Where the snapshot is as long as the backup runs; undefined: none was made. */
  readonly snapshot: Uint8Array | undefined;
}

export interface LivePath {
  readonly path: Uint8Array;
  readonly reason: string;
}

/** What came from where, for the user. */
export interface SnapshotAccount {
  readonly frozen: readonly SnapshotPath[];
  /** Roots, volumes and mounts that are read as they change; those found on the way are added to it. */
  readonly live: readonly LivePath[];
  /** File systems of other kinds that are mounted below a root, read as they change. */
  readonly mountedBelow: readonly LivePath[];
  /** Snapshots of killed runs that were removed: where they were. */
  readonly leftoversRemoved: readonly Uint8Array[];
  /** What could not be removed, and why. */
  readonly problems: readonly string[];
}

interface Volume {
  readonly top: string;
  readonly tool: SnapshotTool;
  /** Paths for which it is there. */
  readonly paths: readonly string[];
}

/**
 * @throws SnapshotError 'snapshot-unavailable' with `otherwise: 'fail'`, when a root is not in one; nothing is left
 * behind then.
 */
export async function openSnapshots(options: OpenSnapshotsOptions): Promise<SourceSnapshots> {
  const opened = new SourceSnapshots(options);
  try {
    await opened.takeAll();
    return opened;
  } catch (cause) {
    await opened.remove();
    throw cause;
  }
}

/**
 * What `openSnapshots` would read from where, looked at without making or removing anything. Volumes inside a volume show
 * only when their snapshot is walked.
 * @throws SnapshotError as `openSnapshots` does, where that can be seen before
 */
export function lookForSnapshots(options: OpenSnapshotsOptions): SnapshotAccount {
  const looking = new SourceSnapshots(options);
  looking.look();
  return looking.account;
}

export class SourceSnapshots implements FrozenFiles {
  readonly since: number;
  readonly paths: FrozenPaths = new FrozenPaths();
  readonly #options: OpenSnapshotsOptions;
  readonly #mounts: readonly Mount[];
  readonly #taken: FileSystemSnapshot[] = [];
  readonly #frozen: SnapshotPath[] = [];
  readonly #live: LivePath[] = [];
  readonly #mountedBelow: LivePath[] = [];
  readonly #leftovers: Uint8Array[] = [];
  readonly #problems: string[] = [];

  constructor(options: OpenSnapshotsOptions) {
    this.#options = options;
    this.since = options.now();
    this.#mounts = readMounts();
  }

  get account(): SnapshotAccount {
    return {
      frozen: this.#frozen,
      live: this.#live,
      mountedBelow: this.#mountedBelow,
      leftoversRemoved: this.#leftovers,
      problems: this.#problems,
    };
  }

  pathOf(path: Uint8Array): Uint8Array | undefined {
    const found = this.paths.pathOf(Buffer.from(path).toString('latin1'));
    return found === undefined ? undefined : Buffer.from(found, 'latin1');
  }

  confirm(): void {
    const lost = this.#taken.find((snapshot) => !snapshot.isThere());
    if (lost === undefined) return;
    const name = printablePath(Buffer.from(lost.name, 'latin1'));
    throw new SnapshotError('snapshot-lost', `read the snapshot ${name}: somebody removed it while it was read`);
  }

  /** A volume that is not in the snapshot around it. */
  addGap(path: string): void {
    if (!this.#options.oneFileSystem) this.#addLive(path, 'it is a volume of its own, which a snapshot leaves out');
  }

  look(): void {
    for (const volume of this.#volumesOf(this.#roots))
      for (const path of volume.paths) this.#frozen.push(snapshotPath(path, volume));
  }

  async takeAll(): Promise<void> {
    const roots = this.#roots;
    const volumes = this.#volumesOf(roots);
    for (const volume of volumes) await this.#take(volume, roots);
    const tops = new Set(this.#frozen.map(({ volume }) => Buffer.from(volume).toString('latin1')));
    for (const top of tops)
      for (const { point } of mountsBelow(this.#mounts, top))
        if (!tops.has(point)) this.paths.set(point, { kind: 'live' });
  }

  /** Removes them all, once. What cannot be removed is in the account. */
  async remove(): Promise<void> {
    for (const snapshot of this.#taken.splice(0)) {
      try {
        await snapshot[Symbol.asyncDispose]();
      } catch (cause) {
        this.#problems.push((cause as Error).message);
      }
    }
  }

  get #roots(): readonly string[] {
    return this.#options.roots.map((root) => Buffer.from(root).toString('latin1'));
  }

  #volumesOf(roots: readonly string[]): readonly Volume[] {
    const volumes = new Map<string, Volume>();
    const add = (path: string, mount: Mount | undefined): void => {
      const { top, tool } = this.#findVolume(path, mount);
      volumes.set(top, { top, tool, paths: [...(volumes.get(top)?.paths ?? []), path] });
    };
    for (const root of roots) this.#orLive(root, 'root', () => add(root, mountOf(this.#mounts, root)));
    if (this.#options.oneFileSystem) return [...volumes.values()];
    for (const mount of roots.flatMap((root) => mountsBelow(this.#mounts, root))) {
      if (this.#toolFor(mount) === undefined) this.#addMounted(mount);
      else this.#orLive(mount.point, 'below', () => add(mount.point, mount));
    }
    return [...volumes.values()];
  }

  async #take({ top, tool, paths }: Volume, roots: readonly string[]): Promise<void> {
    const { removed, problems } = await tool.removeLeftovers(top);
    this.#leftovers.push(...removed.map((path) => Buffer.from(path, 'latin1')));
    this.#problems.push(...problems);
    try {
      const snapshot = await tool.take(top);
      this.#taken.push(snapshot);
      this.paths.set(top, { kind: 'frozen', root: snapshot.root, gapInode: snapshot.gapInode });
      for (const path of paths) this.#frozen.push(snapshotPath(path, { top, tool }, snapshot));
    } catch (cause) {
      for (const path of paths)
        this.#orLive(path, roots.includes(path) ? 'root' : 'below', () => {
          throw cause;
        });
    }
  }

  #findVolume(path: string, mount: Mount | undefined): { readonly top: string; readonly tool: SnapshotTool } {
    if (mount === undefined) throw unavailable('this system does not tell on which file system it lies');
    const tool = this.#toolFor(mount);
    if (tool === undefined) throw unavailable(`Keephold makes no snapshots of ${mount.kind}`);
    const top = tool.findVolume(path, mount.point);
    if (!isWithin(path, top)) throw unavailable(`its volume ${top} does not hold it`);
    return { top, tool };
  }

  #toolFor({ kind }: Mount): SnapshotTool | undefined {
    return this.#options.tools.find(({ fileSystem }) => fileSystem === kind);
  }

  /** Does something about a path; where that cannot be, the path is read live, or a root ends it all. */
  #orLive(path: string, what: 'root' | 'below', action: () => void): void {
    try {
      action();
    } catch (cause) {
      if (!(cause instanceof SnapshotError)) throw cause;
      if (what === 'below' || this.#options.otherwise === 'read-live') return this.#addLive(path, cause.message);
      const name = printablePath(Buffer.from(path === '' ? '/' : path, 'latin1'));
      throw new SnapshotError('snapshot-unavailable', `make a snapshot to read ${name} from: ${cause.message}`, {
        cause,
      });
    }
  }

  #addMounted({ point, kind }: Mount): void {
    this.#mountedBelow.push({ path: Buffer.from(point, 'latin1'), reason: `another file system (${kind})` });
  }

  #addLive(path: string, reason: string): void {
    this.#live.push({ path: Buffer.from(path, 'latin1'), reason });
  }
}

function snapshotPath(
  path: string,
  { top, tool }: { readonly top: string; readonly tool: SnapshotTool },
  made?: FileSystemSnapshot,
): SnapshotPath {
  const raw = (text: string): Uint8Array => Buffer.from(text, 'latin1');
  const snapshot = made === undefined ? undefined : raw(made.name);
  return { path: raw(path), fileSystem: tool.fileSystem, volume: raw(top), snapshot };
}

function unavailable(reason: string): SnapshotError {
  return new SnapshotError('snapshot-unavailable', reason);
}
