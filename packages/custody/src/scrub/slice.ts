/**
 * Which part of a vault a turn reads. A position is the first two bytes of a name; names are hashes, so that equal ranges
 * of positions are equal shares of the vault whatever is added or goes meanwhile. A share a day: all of it in 29 days.
 */
const POSITIONS = 65_536;
const SLICES = 29;

export function positionOf(name: Uint8Array): number {
  return (name[0] as number) * 256 + (name[1] as number);
}

/** Where the slice ends that this position is in, at most 65,536. A position from elsewhere begins anew. */
export function sliceFrom(position: number): { readonly first: number; readonly end: number } {
  const first = position >= 0 && position < POSITIONS ? position : 0;
  const slice = Math.floor((first * SLICES) / POSITIONS);
  return { first, end: Math.ceil(((slice + 1) * POSITIONS) / SLICES) };
}

/** Where to go on after a slice. */
export function positionAfter(end: number): number {
  return end >= POSITIONS ? 0 : end;
}
