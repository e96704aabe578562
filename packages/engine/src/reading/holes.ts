/** Holes of sparse files: where they are nothing was stored that a reader needs, whatever the tree names for it. */

/** Ascending, not overlapping, in bytes of the file. */
export type Holes = readonly (readonly [offset: number, length: number])[];

/** Pieces of a part that are in no hole, as offset in the part and length. */
export function outsideHoles(offset: number, length: number, holes: Holes): (readonly [number, number])[] {
  const pieces: (readonly [number, number])[] = [];
  let at = offset;
  const end = offset + length;
  for (let i = firstHoleBehind(holes, offset); i < holes.length; i++) {
    const [holeStart, holeLength] = holes[i]!;
    if (holeStart >= end) break;
    const holeEnd = holeStart + holeLength;
    if (holeStart > at) pieces.push([at - offset, holeStart - at]);
    at = Math.min(end, holeEnd);
  }
  if (at < end) pieces.push([at - offset, end - at]);
  return pieces;
}

/** Number of the first hole that ends behind `offset`: a file may have as many holes as parts. */
function firstHoleBehind(holes: Holes, offset: number): number {
  let [low, high] = [0, holes.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const [start, length] = holes[middle]!;
    if (start + length > offset) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Which of the parts, the first of which stands at `offset` in the file, lie in holes as a whole. */
export function partsInHoles(
  parts: readonly { readonly length: number }[],
  holes: Holes | undefined,
  offset = 0,
): (part: number) => boolean {
  if (holes === undefined || holes.length === 0) return () => false;
  const inHole = new Set<number>();
  let at = offset;
  for (const [part, { length }] of parts.entries()) {
    if (length > 0 && outsideHoles(at, length, holes).length === 0) inHole.add(part);
    at += length;
  }
  return (part) => inHole.has(part);
}
