/** The paths that a backup is given, as the walk needs them. */
import { lstatSync, realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { ownFoldersBelow } from '../access/own-folders.ts';
import { bytesFromRawText, rawTextFromBytes } from '../command-line/raw-text.ts';
import type { Context } from '../context.ts';
import { CommandError, exitCodes, UsageError } from '../errors.ts';

export interface NamedRoots {
  /** Absolute paths, and the same as bytes. */
  readonly named: readonly string[];
  readonly roots: readonly Uint8Array[];
}

/** Keephold's own folders at or below the roots. */
export function ownFoldersOf(
  context: Pick<Context, 'globals' | 'environment'>,
  { named, roots }: NamedRoots,
): readonly Uint8Array[] {
  return named.flatMap((path, i) => ownFoldersBelow(context, path).map((below) => joined(roots[i]!, below)));
}

function joined(root: Uint8Array, below: Uint8Array): Uint8Array {
  return below.length === 0 ? root : Buffer.concat([root, Buffer.from('/'), below]);
}

/**
 * Absolute, and without links in what is above it: a tree begins at the root of the file system, and a link on the way
 * would be stored as a link, with nothing behind it.
 */
export function realRoot(path: string): string {
  if (path === '') throw new UsageError('the path to back up is empty', 'name a file or folder; . is the current one');
  const absolute = Buffer.from(bytesFromRawText(resolve(path)));
  try {
    lstatSync(absolute);
    const end = absolute.lastIndexOf('/');
    if (process.platform === 'win32' || end <= 0) return rawTextFromBytes(absolute);
    const parent = realpathSync(absolute.subarray(0, end), { encoding: 'buffer' });
    const isTop = parent.length === 1;
    return rawTextFromBytes(Buffer.concat([isTop ? Buffer.alloc(0) : parent, absolute.subarray(end)]));
  } catch (cause) {
    throw new CommandError(`${path} cannot be backed up: ${(cause as NodeJS.ErrnoException).code ?? 'not readable'}`, {
      code: 'not-found',
      exitCode: exitCodes.failed,
      hint: 'check how it is spelled and whether you may read it',
    });
  }
}

/** Raw bytes, no slash at the end: the root of the file system is empty. */
export function rootBytes(absolute: string): Uint8Array {
  const bytes = bytesFromRawText(absolute);
  return bytes.length === 1 && bytes[0] === 0x2f ? new Uint8Array() : bytes;
}
