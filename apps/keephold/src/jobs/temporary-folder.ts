/** A temporary folder with room for what will be put there, removed whatever its content permits. */
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError, exitCodes } from '../errors.ts';
import { formatBytes } from '../terminal/units.ts';

/** For directories, links and metadata, beside the content. */
const spare = 64e6;

export interface TemporaryFolder {
  readonly bytes: number;
  readonly places: readonly string[];
  /** What its name begins with. */
  readonly prefix: string;
  /** What to do when there is no room. */
  readonly hint: string;
}

/** In the first of `places` that has room for `bytes`; only its owner may enter it. */
export function temporaryFolderFor({ bytes, places, prefix, hint }: TemporaryFolder): string {
  const needed = bytes * 1.02 + spare;
  const place = places.find((candidate) => freeBytes(candidate) >= needed);
  if (place !== undefined) return mkdtempSync(join(place, prefix));
  throw new CommandError(
    `there is no room for ${formatBytes(needed)} to restore into: looked in ${places.join(' and ')}`,
    {
      code: 'no-room',
      exitCode: exitCodes.noRoom,
      hint,
    },
  );
}

function freeBytes(place: string): number {
  try {
    mkdirSync(place, { recursive: true, mode: 0o700 });
    const { bavail, bsize } = statfsSync(place);
    return bavail * bsize;
  } catch {
    return 0;
  }
}

export function removeTree(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // Restored folders may forbid their owner to empty them.
    permitOwner(Buffer.from(folder));
    rmSync(folder, { recursive: true, force: true });
  }
}

function permitOwner(folder: Buffer): void {
  chmodSync(folder, 0o700);
  for (const name of readdirSync(folder, { encoding: 'buffer' })) {
    const path = Buffer.concat([folder, Buffer.from('/'), name]);
    if (lstatSync(path).isDirectory()) permitOwner(path);
  }
}
