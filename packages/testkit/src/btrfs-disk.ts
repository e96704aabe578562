/** A small btrfs on a loop device. Tests that need one say that they are skipped where it cannot be made. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MIB = 1024 * 1024;
/** mkfs.btrfs asks for at least 109 MiB. */
const DISK_BYTES = 256 * MIB;

export interface BtrfsDisk extends Disposable {
  /** Where its topmost subvolume is mounted. */
  readonly folder: string;
  run(...args: readonly string[]): string;
}

/** Undefined where it cannot be made. */
export function mountBtrfs(): BtrfsDisk | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'keephold-btrfs-'));
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
