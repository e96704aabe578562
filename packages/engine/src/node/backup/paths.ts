/** Paths of the source: absolute raw bytes, the root of the file system empty. */
import { ByteSlab } from '../../byte-slab.ts';

const SLASH = 0x2f;
const slab = new ByteSlab();

/** `name` has one code unit a byte. The answer shares memory with others: never transfer it. */
export function joinPath(path: Uint8Array, name: string): Uint8Array {
  const joined = slab.take(path.length + 1 + name.length);
  joined.set(path);
  joined[path.length] = SLASH;
  for (let i = 0; i < name.length; i++) joined[path.length + 1 + i] = name.charCodeAt(i);
  return joined;
}

/** Directories above the roots hold only what leads to a root. */
export type Selection = ReadonlyMap<string, Selection | 'all'>;

/** What to visit to reach every root. `roots` are absolute paths, none inside another. */
export function selectRoots(roots: readonly Uint8Array[]): Selection | 'all' {
  if (roots.some((root) => root.length === 0)) return 'all';
  const top = new Map<string, Selection | 'all'>();
  for (const root of roots) {
    const names = Buffer.from(root).toString('latin1').split('/').slice(1);
    let level = top;
    names.forEach((name, i) => {
      if (i === names.length - 1) level.set(name, 'all');
      else {
        const next = (level.get(name) ?? new Map<string, Selection | 'all'>()) as Map<string, Selection | 'all'>;
        level.set(name, next);
        level = next;
      }
    });
  }
  return top;
}
