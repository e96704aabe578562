import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, expect, test } from 'vitest';
import { OpenerProcess } from './opener-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'keephold-opener-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: Uint8Array): Uint8Array {
  writeFileSync(join(folder, name), content);
  return Buffer.from(join(folder, name));
}

const LONG = 60_000;

test('files are opened in a process of their own, one after the other', async () => {
  using opener = new OpenerProcess();
  expect(await opener.open(file('a.gz', gzipSync('text')), LONG)).toMatchObject({ kind: 'opened', format: 'gzip' });
  expect(await opener.open(file('b.gz', Buffer.from('nothing')), LONG)).toMatchObject({ kind: 'broken' });
  expect(await opener.open(file('c.txt', Buffer.from('nothing')), LONG)).toEqual({ kind: 'unknown' });
});

test('one that takes too long is given up, and the next is opened', async () => {
  using opener = new OpenerProcess();
  const long = file('long.gz', gzipSync(Buffer.alloc(500_000_000)));
  expect(await opener.open(long, 1)).toMatchObject({
    kind: 'undecided',
    reason: expect.stringMatching(/took longer than/),
  });
  expect(await opener.open(file('a.gz', gzipSync('text')), LONG)).toMatchObject({ kind: 'opened' });
});

test('what the system refuses is no verdict', async () => {
  using opener = new OpenerProcess();
  const missing = Buffer.from(join(folder, 'missing.png'));
  expect(await opener.open(missing, LONG)).toMatchObject({
    kind: 'undecided',
    reason: expect.stringMatching(/ENOENT/),
  });
});
