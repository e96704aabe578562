import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { libc } from '@keephold/ffi';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAX_HOLES, mayHaveHoles, readHoles } from './holes.ts';

const BLOCK = 64 * 1024;

describe.skipIf(libc() === undefined)('holes of a file', () => {
  let folder = '';
  let fd = -1;
  const data = (block: number, blocks = 1) =>
    writeSync(fd, new Uint8Array(BLOCK * blocks).fill(1), 0, BLOCK * blocks, block * BLOCK);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kh-holes-'));
    fd = openSync(join(folder, 'f'), 'w+');
  });
  afterEach(() => {
    closeSync(fd);
    rmSync(folder, { recursive: true });
  });

  it('finds none in a full or empty file', () => {
    expect(readHoles(fd, 0)).toEqual([]);
    data(0, 3);
    expect(readHoles(fd, 3 * BLOCK)).toEqual([]);
  });

  it('finds holes at the start, inside and at the end', () => {
    ftruncateSync(fd, 100 * BLOCK);
    data(2);
    data(7, 3);
    expect(readHoles(fd, 100 * BLOCK)).toEqual([
      [0, 2 * BLOCK],
      [3 * BLOCK, 4 * BLOCK],
      [10 * BLOCK, 90 * BLOCK],
    ]);
    expect(readHoles(fd, 5 * BLOCK)).toEqual([
      [0, 2 * BLOCK],
      [3 * BLOCK, 2 * BLOCK],
    ]);
    expect(mayHaveHoles(100 * BLOCK, (4 * BLOCK) / 512)).toBe(true);
    expect(mayHaveHoles(BLOCK, BLOCK / 512)).toBe(false);
  });

  it('sees a file of 100 GB at once', () => {
    ftruncateSync(fd, 100e9);
    const started = performance.now();
    expect(readHoles(fd, 100e9)).toEqual([[0, 100e9]]);
    expect(performance.now() - started).toBeLessThan(1000);
  });

  it('keeps the largest when there are too many, in ascending order', () => {
    const count = MAX_HOLES + 200;
    for (let i = 0; i < count; i++) data(i * 3 + (i % 6 === 0 ? 2 : 1));
    const holes = readHoles(fd, count * 3 * BLOCK);
    expect(holes).toHaveLength(MAX_HOLES);
    expect(holes.map(([offset]) => offset)).toEqual(holes.map(([offset]) => offset).sort((a, b) => a - b));
    const lengths = holes.map(([, length]) => length / BLOCK);
    // 3-block holes (before the late ones) all stay; 1-block holes (after them) went first.
    expect(lengths.filter((length) => length === 3).length).toBe(Math.floor((count - 1) / 6));
    expect(lengths.filter((length) => length === 1).length).toBeLessThan(count / 6);
  });
});
