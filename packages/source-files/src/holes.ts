/** Where an open file has holes (format.md §6, key 18), so that a restore can leave them out again. */
import { type Libc, libc, SEEK_DATA, SEEK_HOLE } from '@keephold/ffi';

export type Hole = readonly [offset: number, length: number];

/** More are not recorded: the smallest become ordinary zeros. */
export const MAX_HOLES = 1024;

// Holes are gathered up to this many before the smallest are dropped, so that dropping is rare.
const GATHERED_HOLES = 8 * MAX_HOLES;

/** Cheap first look: a file that fills its blocks has none worth asking for. `blocks` in units of 512 bytes. */
export function mayHaveHoles(size: number, blocks: number): boolean {
  return blocks * 512 < size;
}

/**
 * Holes of the first `size` bytes in ascending order, at most 1,024. None where the system cannot tell. It moves the
 * file position: read such a file by position only.
 */
export function readHoles(fd: number, size: number): readonly Hole[] {
  const calls = libc();
  if (calls === undefined || size === 0) return [];
  let holes: Hole[] = [];
  for (const hole of holesOf(calls, fd, size)) {
    holes.push(hole);
    if (holes.length === GATHERED_HOLES) holes = largest(holes);
  }
  return largest(holes);
}

function* holesOf(calls: Libc, fd: number, size: number): Generator<Hole> {
  for (let at = 0; at < size; ) {
    const start = calls.lseek(fd, at, SEEK_HOLE);
    // Any failure (no support, file became shorter) means no further holes, which is always right, if larger.
    if (start < 0 || start >= size) return;
    const data = calls.lseek(fd, start, SEEK_DATA);
    const end = data < 0 || data > size ? size : data;
    if (end <= start) return;
    yield [start, end - start];
    at = end;
  }
}

function largest(holes: Hole[]): Hole[] {
  if (holes.length <= MAX_HOLES) return holes;
  const kept = [...holes].sort((a, b) => b[1] - a[1]).slice(0, MAX_HOLES);
  return kept.sort((a, b) => a[0] - b[0]);
}
