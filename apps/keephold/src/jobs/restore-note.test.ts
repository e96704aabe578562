import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
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
const begin = (startedAt: number, { target = '/target', what = 'all' } = {}): RestoreNote =>
  beginRestoreNote({ stateFolder: folder, target, what, startedAt });
const notes = (): string[] => readdirSync(join(folder, 'restores'));

test('what a restore wrote is relied on while the machine runs', () => {
  expect(begin(hour).trustsFiles).toBe(true);
  begin(hour + 5000).finish({ durable: false });
  expect(begin(hour + 5000).trustsFiles).toBe(true);
});

test('after a new start nothing is relied on until a restore is known to be on the disk', () => {
  begin(hour);
  expect(begin(2 * hour).trustsFiles).toBe(false);
  expect(begin(3 * hour).trustsFiles).toBe(false);
  begin(3 * hour).finish({ durable: true });
  expect(begin(4 * hour).trustsFiles).toBe(true);
});

test('a restore that did not wait for the disk is relied on until the next start, also when it wrote all anew', () => {
  begin(hour).finish({ durable: false });
  begin(2 * hour).finish({ durable: false });
  expect(begin(2 * hour).trustsFiles).toBe(true);
  expect(begin(3 * hour).trustsFiles).toBe(false);
});

test('what was restored beside it does not speak for the rest of a target', () => {
  begin(hour, { what: 'all' }).finish({ durable: false });
  begin(2 * hour, { what: 'one folder' }).finish({ durable: true });
  expect(begin(2 * hour).trustsFiles).toBe(false);
});

test('what was written anew is relied on, whatever else was restored to the target before it', () => {
  begin(hour, { what: 'one folder' }).finish({ durable: false });
  const second = begin(2 * hour, { what: 'another' });
  expect(second.trustsFiles).toBe(false);
  second.finish({ durable: false });
  expect(begin(2 * hour, { what: 'another' }).trustsFiles).toBe(true);
  expect(begin(2 * hour, { what: 'one folder' }).trustsFiles).toBe(false);
});

test('what was restored after it may have touched the same files', () => {
  begin(2 * hour, { what: 'one folder' }).finish({ durable: true });
  begin(hour, { what: 'one folder' }).finish({ durable: false });
  begin(hour, { what: 'another' });
  begin(2 * hour, { what: 'one folder' }).finish({ durable: false });
  expect(begin(2 * hour, { what: 'another' }).trustsFiles).toBe(false);
});

test('a restore that is on the disk leaves nothing, and other targets are other restores', () => {
  begin(hour, { target: '/other' });
  begin(hour).finish({ durable: true });
  expect(notes()).toHaveLength(1);
  expect(begin(2 * hour).trustsFiles).toBe(true);
});

test('a note that cannot be read is one of an earlier start', () => {
  begin(hour);
  const path = join(folder, 'restores', notes()[0]!);
  writeFileSync(path, '3600000\n/target\n');
  expect(begin(hour).trustsFiles).toBe(false);
});

test('notes of long ago are removed', () => {
  begin(hour, { target: '/other' });
  utimesSync(join(folder, 'restores', notes()[0]!), 1, 1);
  begin(hour);
  expect(notes()).toHaveLength(1);
});
