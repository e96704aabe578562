/** Names of a hostile tree (security.md §8): what could lead out of its directory is refused, never repaired. */

const DOT = 0x2e;
const SLASH = 0x2f;

/** Why this name must not be written; undefined when it may. */
export function nameFault(name: Uint8Array): string | undefined {
  if (name.length === 0) return 'refused: its name is empty';
  if (name[0] === DOT && (name.length === 1 || (name.length === 2 && name[1] === DOT))) {
    return "refused: its name means another directory ('.' or '..')";
  }
  for (let i = 0; i < name.length; i++) {
    if (name[i] === SLASH) return "refused: its name contains '/'";
    if (name[i] === 0) return 'refused: its name contains NUL';
  }
  return undefined;
}

/** `parent` and `name` joined; the root has the empty path. */
export function joinPath(parent: Uint8Array, name: Uint8Array): Uint8Array {
  if (parent.length === 0) return name.slice();
  const path = new Uint8Array(parent.length + 1 + name.length);
  path.set(parent);
  path[parent.length] = SLASH;
  path.set(name, parent.length + 1);
  return path;
}
