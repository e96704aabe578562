/** Paths are absolute, raw bytes, no slash at the end. */

/** Sorted, without roots inside other roots. */
export function outermost(roots: readonly Uint8Array[]): readonly Uint8Array[] {
  const sorted = [...roots].sort((a, b) => Buffer.compare(a, b));
  return sorted.filter((root, i) => !sorted.slice(0, i).some((other) => isInside(root, other)));
}

function isInside(path: Uint8Array, folder: Uint8Array): boolean {
  if (path.length === folder.length) return Buffer.compare(path, folder) === 0;
  return (
    path.length > folder.length &&
    path[folder.length] === 0x2f &&
    Buffer.compare(path.subarray(0, folder.length), folder) === 0
  );
}
