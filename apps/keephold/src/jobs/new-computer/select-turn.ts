/** Which entries of a part have their turn: of two turns that follow each other, each entry has exactly one. */
import { joinPath } from '@keephold/engine';
import { isWithin, type RestorePart, rootsOf } from './restore-parts.ts';
import { usableFirst } from './usable-first.ts';

type Selection = 'selected' | 'descend' | 'skipped';
/** `path`: relative to what is restored. */
export type Select = (path: Uint8Array, isDirectory: boolean) => Selection;

export function selectTurn(part: RestorePart, turn: 'first' | 'rest', wanted: Select): Select {
  const { snapshot, leftOut, isBeside } = part;
  const roots = rootsOf(snapshot);
  const order = usableFirst(roots);
  return (relative, isDirectory) => {
    const path = part.path.length === 0 ? relative : relative.length === 0 ? part.path : joinPath(part.path, relative);
    if (leftOut.some((other) => isWithin(path, other))) return 'skipped';
    const asked = wanted(relative, isDirectory);
    if (asked === 'skipped') return 'skipped';
    const at = order.turnOf(path, isDirectory);
    if (turn === 'first' && at === 'on-the-way') return 'descend';
    if ((turn === 'first') !== (at === 'first')) return 'skipped';
    const isAbove = isBeside && isDirectory && roots.some((root) => root.length > path.length && isWithin(root, path));
    return isAbove ? 'descend' : asked;
  };
}
