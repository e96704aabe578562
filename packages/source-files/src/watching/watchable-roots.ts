/** Of which places below the roots of a backup Linux tells every change, whoever makes it. */
import { type Mount, mountOf, mountsBelow, readMounts } from '../snapshots/mounts.ts';

/**
 * Kinds of file systems that only this machine changes. Not among them: what others reach over the network or a program
 * serves (NFS, CIFS, FUSE), since their changes make no event here.
 */
const LOCAL_KINDS: ReadonlySet<string> = new Set([
  ...['ext2', 'ext3', 'ext4', 'xfs', 'btrfs', 'bcachefs', 'f2fs', 'zfs', 'jfs', 'nilfs2', 'reiserfs'],
  ...['ntfs3', 'vfat', 'exfat', 'hfsplus', 'tmpfs', 'overlay'],
]);

export interface WatchableRoots {
  /** Whether what is on the file systems of the roots themselves can be watched. */
  readonly isWatchable: boolean;
  /** Where other file systems are mounted below the roots: what is there is not watched. */
  readonly mountedBelow: readonly Uint8Array[];
  /** Changes when any of these mounts does. */
  readonly fingerprint: readonly string[];
}

/** `roots`: absolute raw bytes, the root of the file system empty. */
export function watchableRoots(roots: readonly Uint8Array[], mounts: readonly Mount[] = readMounts()): WatchableRoots {
  const paths = roots.map((root) => Buffer.from(root).toString('latin1'));
  const own = paths.map((path) => mountOf(mounts, path));
  const below = paths.flatMap((path) => mountsBelow(mounts, path));
  return {
    isWatchable: own.every((mount) => mount !== undefined && LOCAL_KINDS.has(mount.kind)),
    mountedBelow: below.map(({ point }) => Buffer.from(point, 'latin1')),
    fingerprint: [...own, ...below].map((mount) =>
      mount === undefined ? '' : `${mount.point} ${mount.kind} ${mount.volume}`,
    ),
  };
}
