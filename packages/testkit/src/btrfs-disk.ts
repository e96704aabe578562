/** A small btrfs on a loop device. Tests that need one say that they are skipped where it cannot be made. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MIB = 1024 * 1024;
/** Sparse. Programs that write all the time must not fill it before freed space is found again. */
const DISK_BYTES = 1024 * MIB;
/** In memory where the system offers it: programs that sync all the time must not wait for other work on the disk. */
const PLACE: string = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

export interface BtrfsDisk extends Disposable {
  /** Where its topmost subvolume is mounted. */
  readonly folder: string;
  /** Runs `btrfs` with these words and answers what it says. */
  readonly run: (...args: readonly string[]) => string;
}

/** Undefined where it cannot be made. */
export function mountBtrfs(): BtrfsDisk | undefined {
  const folder = mkdtempSync(join(PLACE, 'keephold-btrfs-'));
  const image = `${folder}.img`;
  const quietly = { stdio: 'pipe' } as const;
  try {
    writeFileSync(image, '');
    truncateSync(image, DISK_BYTES);
    execFileSync('mkfs.btrfs', ['-q', image], quietly);
    execFileSync('mount', ['-o', 'loop', image, folder], quietly);
  } catch {
    rmSync(image, { force: true });
    rmdirSync(folder);
    return undefined;
  }
  return {
    folder,
    run: (...args) => execFileSync('btrfs', args, { encoding: 'utf8', stdio: 'pipe' }),
    [Symbol.dispose]: () => {
      execFileSync('umount', ['-l', folder], quietly);
      rmdirSync(folder);
      rmSync(image);
    },
  };
}
