import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { beginRestoreNote, type RestoreNote } from './restore-note.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keephold-note-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const hour = 3_600_000;
const begin = (startedAt: number, target = '/target'): RestoreNote =>
  beginRestoreNote({ stateFolder: folder, target, startedAt });

test('what a restore wrote is relied on while the machine runs', () => {
  expect(begin(hour).trustsFiles).toBe(true);
  expect(begin(hour + 5000).trustsFiles).toBe(true);
});

test('after a new start nothing is relied on until a restore was finished', () => {
  begin(hour);
  expect(begin(2 * hour).trustsFiles).toBe(false);
  expect(begin(3 * hour).trustsFiles).toBe(false);
  begin(3 * hour).finish();
  expect(begin(4 * hour).trustsFiles).toBe(true);
});

test('a finished restore leaves nothing, and other targets are other restores', () => {
  begin(hour, '/other');
  const note = begin(hour);
  note.finish();
  expect(readdirSync(join(folder, 'restores'))).toHaveLength(1);
  expect(begin(2 * hour).trustsFiles).toBe(true);
});
