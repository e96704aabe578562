/** Files that change while they are read: read again once, then kept as they were read, and marked. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { BackupRepository } from './_backup-repository.ts';
import { readBack } from './_read-back.ts';
import { truthOf } from './_snapshot-truth.ts';

const nothingSpecial = { live: 0, sqliteBackup: 0, placeholder: 0 };

let backups: BackupRepository;
let root: string;
let count = 0;

beforeAll(async () => {
  backups = await BackupRepository.create();
});
afterAll(() => backups[Symbol.dispose]());
beforeEach(() => {
  root = join(backups.folder, `data ${count++}`);
  mkdirSync(root);
});

/** Runs code in a process of its own until it is disposed of; `path` is known to it. Resolves when it said something. */
async function writing(path: string, code: string): Promise<AsyncDisposable> {
  const script = `const fs = require('node:fs'), path = ${JSON.stringify(path)}; ${code}`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.once('close', resolve));
  await new Promise((resolve) => child.stdout.once('data', resolve));
  child.stdout.resume();
  return {
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

it.each([1000, 100_000, 9_000_000])('reads a file of %i bytes again that changed since it was listed', async (size) => {
  const path = join(root, 'file');
  writeFileSync(path, randomBytes(size));
  const changed = randomBytes(size + 10);
  const onListed = (folder: Uint8Array): void => {
    if (Buffer.from(folder).toString() === root) writeFileSync(path, changed);
  };
  const report = await backups.backup({ roots: [root], onListed });
  expect(report.captured).toEqual(nothingSpecial);
  expect(report.notes).toEqual([]);
  const file = (await readBack(backups, root)).get('file')!;
  expect(file.bytes.equals(changed)).toBe(true);
  expect(file.node.note).toBeUndefined();
  expect((await truthOf(backups, { root })).problems).toEqual([]);
});

it('takes what replaced a file since it was listed, and leaves out what is gone', async () => {
  for (const name of ['replaced', 'gone', 'grown']) writeFileSync(join(root, name), 'old');
  const onListed = (folder: Uint8Array): void => {
    if (Buffer.from(folder).toString() !== root) return;
    writeFileSync(join(root, 'next'), 'another file');
    renameSync(join(root, 'next'), join(root, 'replaced'));
    rmSync(join(root, 'gone'));
    writeFileSync(join(root, 'grown'), 'x'.repeat(70_000));
  };
  const report = await backups.backup({ roots: [root], onListed });
  expect(report).toMatchObject({ kind: 'complete', captured: nothingSpecial, unreadable: [] });
  const files = await readBack(backups, root);
  expect([...files.keys()]).toEqual(['grown', 'replaced']);
  expect(files.get('replaced')!.bytes.toString()).toBe('another file');
  expect(files.get('grown')!.bytes.length).toBe(70_000);
});

it('keeps a file that a program writes all the time, says so, and reads it again when it holds still', async () => {
  const path = join(root, 'busy');
  writeFileSync(path, randomBytes(24_000_000));
  {
    // Every write changes the times; the file is longer than two of them are apart.
    await using _writer = await writing(
      path,
      `const file = fs.openSync(path, 'r+'), bytes = Buffer.alloc(100, 1);
       for (let i = 0; ; i++) { fs.writeSync(file, bytes, 0, 100, (i * 7919) % 24_000_000); if (i === 100) console.log('on'); }`,
    );
    const report = await backups.backup({ roots: [root] });
    expect(report.captured).toEqual({ ...nothingSpecial, live: 1 });
    expect(report.notes.map(({ path: noted, note }) => [Buffer.from(noted).toString(), note])).toEqual([
      [path, 'changed while it was read'],
    ]);
    // Read twice and no more.
    expect(report.bytesRead).toBeLessThan(2.5 * 24_000_000);
    const { node, bytes } = (await readBack(backups, root)).get('busy')!;
    expect(node.note).toBe('live');
    expect(bytes.length).toBe(node.size);
    expect((await truthOf(backups)).problems).toEqual([]);
  }
  await sleep(150);
  const report = await backups.backup({ roots: [root] });
  expect(report.captured).toEqual(nothingSpecial);
  expect((await readBack(backups, root)).get('busy')!.node.note).toBeUndefined();
  expect((await truthOf(backups, { root })).problems).toEqual([]);
});

it('keeps what a file held that only grows, and no byte that it never had', async () => {
  const path = join(root, 'log');
  writeFileSync(path, '');
  {
    await using _writer = await writing(
      path,
      `const file = fs.openSync(path, 'a');
       for (let i = 0; i < 500_000; i++) { fs.writeSync(file, 'line ' + i + ' of a log\\n'); if (i === 100_000) console.log('on'); }
       setInterval(() => {}, 1000);`,
    );
    await backups.backup({ roots: [root] });
  }
  const { node, bytes } = (await readBack(backups, root)).get('log')!;
  expect(bytes.length).toBe(node.size);
  expect(bytes.length).toBeGreaterThan(1_000_000);
  expect(readFileSync(path).subarray(0, bytes.length).equals(bytes)).toBe(true);
});
