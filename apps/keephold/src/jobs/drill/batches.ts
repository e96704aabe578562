/** Parts of a drill: what is restored at once, looked at and removed again. */
import type { DrawnFile } from './choose-sample.ts';

/** Bounds the room a drill needs, but for a single larger file. */
export const BATCH_BYTES = 256e6;

/** In the order of the draw. */
export function batchesOf(files: readonly DrawnFile[]): readonly (readonly DrawnFile[])[] {
  const batches: DrawnFile[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const file of files) {
    if (bytes + file.size > BATCH_BYTES) {
      batches.push([]);
      bytes = 0;
    }
    batches.at(-1)?.push(file);
    bytes += file.size;
  }
  return batches;
}

export function bytesOf(files: readonly DrawnFile[]): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}
