import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { bytesStoredSince, diskState, hasLost, hasMore, isSameState } from './disk-state.ts';

const packs = 'repository/vaults/00/packs/ab';
const pack = `${packs}/${'ab'.repeat(32)}`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keephold-disk-state-'));
  mkdirSync(join(folder, packs), { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true }));

test('a file more, less, longer or renamed is a change, and nothing else is', () => {
  writeFileSync(join(folder, pack), 'bytes');
  const before = diskState(folder);
  expect(isSameState(before, diskState(folder))).toBe(true);
  writeFileSync(join(folder, pack), 'more bytes');
  const longer = diskState(folder);
  expect(isSameState(before, longer)).toBe(false);
  renameSync(join(folder, pack), join(folder, `${packs}/other`));
  expect(isSameState(longer, diskState(folder))).toBe(false);
  expect([hasMore(longer, diskState(folder), /other/), hasLost(longer, diskState(folder), /other/)]).toEqual([
    true,
    false,
  ]);
  expect(hasLost(longer, diskState(folder), /abab/)).toBe(true);
});

test('names that are no UTF-8 are files like others', () => {
  writeFileSync(Buffer.from(`${folder}/odd \xff`, 'latin1'), '');
  expect([...diskState(folder).keys()]).toContain('odd \xff');
});

test('what is stored counts under its own name only', () => {
  const before = diskState(folder);
  writeFileSync(join(folder, pack), 'bytes');
  writeFileSync(join(folder, packs, '.new-1'), 'half');
  expect(bytesStoredSince(before, diskState(folder))).toBe(5);
  expect(bytesStoredSince(diskState(folder), diskState(folder))).toBe(0);
});
