/** Checks paths of a hostile tree (security.md §8) before any call sees them, and cuts them into parent and name. */
import { TargetError } from '../errors.ts';
import { printablePath } from '../printable-path.ts';

const SLASH = 0x2f;
const DOT = 0x2e;

/** Where the last name of the path starts; 0 when its parent is the root. The last name is checked, the parent is not. */
export function nameStart(path: Uint8Array): number {
  if (path[0] === SLASH) throw unsafe(path);
  const start = path.lastIndexOf(SLASH) + 1;
  checkName(path, start, path.length);
  return start;
}

/** Length of the parent part of a path whose last name starts at `start`. */
export function parentLength(start: number): number {
  return start === 0 ? 0 : start - 1;
}

/**
 * @throws TargetError 'unsafe-path' for an empty name, '.', '..', or one with a NUL.
 */
export function checkName(path: Uint8Array, start: number, end: number): void {
  const length = end - start;
  const dots = length <= 2 && path[start] === DOT && (length === 1 || path[start + 1] === DOT);
  if (length === 0 || dots) throw unsafe(path);
  for (let i = start; i < end; i++) if (path[i] === 0) throw unsafe(path);
}

/** Checks every name of a path. */
export function checkPath(path: Uint8Array): void {
  let start = 0;
  for (;;) {
    const slash = path.indexOf(SLASH, start);
    checkName(path, start, slash === -1 ? path.length : slash);
    if (slash === -1) return;
    start = slash + 1;
  }
}

function unsafe(path: Uint8Array): TargetError {
  return new TargetError(
    'unsafe-path',
    `restore: refused a path that could leave the target: '${printablePath(path)}'`,
  );
}
