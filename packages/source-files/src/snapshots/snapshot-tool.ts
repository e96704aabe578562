/**
 * The SnapshotTool seam: what makes snapshots of one kind of file system. An implementation runs the system's own tool
 * and never removes anything but snapshots of which it can prove that it made them and that their maker is gone.
 *
 * Paths are strings of one code unit a byte, the root of the file system is empty.
 */

export interface SnapshotTool {
  /** The kind of file system, as the kernel names it. */
  readonly fileSystem: string;
  /**
   * Looks without changing anything: the top of the volume that holds `path`, at or below `mountPoint`.
   * @throws SnapshotError 'snapshot-unavailable' where this process cannot make a snapshot of it.
   */
  findVolume(path: string, mountPoint: string): string;
  /**
   * Makes a snapshot that nobody can write to. A call that fails leaves nothing behind.
   * @throws SnapshotError 'snapshot-unavailable'
   */
  take(volume: string): Promise<FileSystemSnapshot>;
  /** Removes what killed runs left of this volume. What cannot be removed is in the answer, never thrown. */
  removeLeftovers(volume: string): Promise<Leftovers>;
}

/** Disposing removes it; fails with SnapshotError 'snapshot-left' when it had to be left, for the next run to remove. */
export interface FileSystemSnapshot extends AsyncDisposable {
  /** Where people find it. */
  readonly name: string;
  /** Where this process reads it. */
  readonly root: string;
  /** Directories with this inode stand for volumes that are not in the snapshot. */
  readonly gapInode: number;
  isThere(): boolean;
}

export interface Leftovers {
  /** Where they were. */
  readonly removed: readonly string[];
  /** What could not be removed, and why. */
  readonly problems: readonly string[];
}
