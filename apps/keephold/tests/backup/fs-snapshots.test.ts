/** Backups that read from a snapshot of the file system: all of one instant, while programs go on writing. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { systemRandom } from '@keephold/crypto';
import type { BackupReport } from '@keephold/engine/node';
import { createBtrfsTool, openSnapshots, type SourceSnapshots } from '@keephold/source-files';
import { type BtrfsDisk, mountBtrfs } from '@keephold/testkit';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFileFilter } from '../../src/jobs/file-filter.ts';
import { BackupRepository, type BackupRequest } from './_backup-repository.ts';
import { putBack, readBack } from './_read-back.ts';
import { truthOf } from './_snapshot-truth.ts';
import { transactionsIn } from './_transfers.ts';

const disk = mountBtrfs();
if (disk === undefined) console.warn('skipped: needs btrfs and loop devices');

let backups: BackupRepository;
/** The top of a subvolume, and what is backed up of it. */
let volume: string;
let root: string;
let count = 0;
const writers: ChildProcess[] = [];

/** A process that writes without end; resolves when it has begun. */
async function write(module: string, words: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [...process.execArgv, join(import.meta.dirname, module), ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  writers.push(child);
  await new Promise<void>((resolve) => {
    child.stdout.on('data', () => resolve());
  });
}

function committedIn(path: string): number {
  using database = new DatabaseSync(path, { readOnly: true, timeout: 10_000 });
  return (database.prepare('SELECT n FROM counter').get() as { readonly n: number }).n;
}

async function opened(): Promise<SourceSnapshots> {
  return await openSnapshots({
    roots: [Buffer.from(root)],
    tools: [createBtrfsTool({ random: systemRandom })],
    otherwise: 'fail',
    oneFileSystem: false,
    now: Date.now,
  });
}

async function backUp(request: Partial<BackupRequest> = {}): Promise<BackupReport> {
  const snapshots = await opened();
  try {
    return await backups.backup({ roots: [root], snapshots, ...request });
  } finally {
    await snapshots.remove();
  }
}

/** Waits until nothing in the folder is so young that it is looked at again. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 150));
}

describe.skipIf(disk === undefined)('backups from snapshots (needs btrfs and loop devices)', () => {
  const { folder, run } = disk ?? ({} as BtrfsDisk);
  afterAll(() => disk?.[Symbol.dispose]());
  beforeEach(async () => {
    backups = await BackupRepository.create();
    volume = join(folder, `volume${count++}`);
    run('subvolume', 'create', volume);
    root = join(volume, 'data');
    mkdirSync(root);
  });
  afterEach(async () => {
    for (const writer of writers.splice(0)) {
      if (writer.exitCode !== null) throw new Error('a writer ended by itself');
      const ended = new Promise((resolve) => writer.once('close', resolve));
      writer.kill('SIGKILL');
      await ended;
    }
    backups[Symbol.dispose]();
  });

  it('hold one state of files that a program changes in step', async () => {
    for (const name of ['a', 'm', 'z']) mkdirSync(join(root, name));
    for (const name of ['a/first', 'z/second']) writeFileSync(join(root, name), '0'.repeat(12));
    for (let i = 0; i < 800; i++) writeFileSync(join(root, 'm', String(i)), systemRandom(2000));
    const numberIn = (name: string): number => Number(readFileSync(join(root, name), 'latin1'));
    await write('_step-writer-process.ts', [join(root, 'a/first'), join(root, 'z/second')]);
    for (let i = 0; i < 3; i++) {
      const before = numberIn('z/second');
      const report = await backUp();
      const after = numberIn('a/first');
      expect([report.kind, report.captured.live, report.unreadable]).toEqual(['complete', 0, []]);
      const files = await readBack(backups, root);
      const [first, second] = ['a/first', 'z/second'].map((name) => Number(files.get(name)!.bytes.toString()));
      expect([0, 1]).toContain(first! - second!);
      expect(first).toBeGreaterThanOrEqual(before);
      expect(second).toBeLessThanOrEqual(after);
      expect(files.get('a/first')!.node.note).toBe('fs-snapshot');
    }
    expect(readdirSync(join(volume, '.keephold-snapshots'))).toEqual([]);
  });

  it.each(['wal', 'delete'])('hold databases as after a power cut at that moment: %s', async (mode) => {
    await write('_database-writer-process.ts', [join(root, 'a.db'), mode, '4096', '0', 'FULL']);
    for (let i = 0; i < 2; i++) {
      const before = committedIn(join(root, 'a.db'));
      const report = await backUp();
      const after = committedIn(join(root, 'a.db'));
      expect([report.captured, report.notes]).toEqual([{ live: 0, sqliteBackup: 0, placeholder: 0 }, []]);
      const files = await readBack(backups, root);
      expect(files.get('a.db')!.node.note).toBe('fs-snapshot');
      const target = mkdtempSync(join(backups.folder, 'restored-'));
      putBack(files, 'a.db', join(target, 'a.db'));
      const restored = transactionsIn(join(target, 'a.db'));
      expect(restored).toBeGreaterThanOrEqual(before);
      expect(restored).toBeLessThanOrEqual(after);
    }
  });

  it('read nothing again that did not change, whether the last run had a snapshot or not', async () => {
    for (const name of ['a', 'b/c']) mkdirSync(join(root, name), { recursive: true });
    for (let i = 0; i < 20; i++) writeFileSync(join(root, i % 2 === 0 ? 'a' : 'b/c', String(i)), systemRandom(3000));
    await settled();
    expect((await backUp()).bytesRead).toBe(60_000);
    await settled();
    const next = [await backUp(), await backups.backup({ roots: [root] }), await backUp()];
    expect(next.map(({ bytesRead, files }) => [bytesRead, files.unchanged])).toEqual([0, 0, 0].map((n) => [n, 20]));
    writeFileSync(join(root, 'a/0'), systemRandom(3000));
    await settled();
    expect((await backUp()).bytesRead).toBe(3000);
    expect((await truthOf(backups, { root })).problems).toEqual([]);
  });

  it('look again at what changed right before the snapshot', async () => {
    writeFileSync(join(root, 'file'), 'before');
    const snapshots = await opened();
    await settled();
    await backups.backup({ roots: [root], snapshots });
    await snapshots.remove();
    // A change within the tick of the clock that the snapshot was made in would have the same time.
    const second = await backUp();
    expect(second.bytesRead).toBe(6);
  });

  it('follow rules and markers as they are in the snapshot', async () => {
    for (const name of ['cache', 'private', 'open']) mkdirSync(join(root, name));
    for (const name of ['cache/x', 'private/x', 'open/x', 'open/x.iso']) writeFileSync(join(root, name), name);
    writeFileSync(join(root, 'cache/CACHEDIR.TAG'), 'Signature: 8a477f597d28d172789f06886806bc55');
    writeFileSync(join(root, 'private/.nobackup'), '');
    const roots = [Buffer.from(root)];
    const rules = { rules: ['*.iso'], files: [], cachedirTag: true, nobackup: true, roots: [root] };
    const filter = createFileFilter(rules, { roots, own: [] });
    const snapshots = await opened();
    rmSync(join(root, 'cache/CACHEDIR.TAG'));
    rmSync(join(root, 'private/.nobackup'));
    renameSync(join(root, 'open'), join(root, 'renamed'));
    await backups.backup({ roots, filter, snapshots });
    await snapshots.remove();
    const files = await readBack(backups, root);
    expect([...files.keys()].sort()).toEqual(['cache/CACHEDIR.TAG', 'open/x']);
  });

  it('that somebody removes fail, and store no snapshot that lacks what was in them', async () => {
    for (const name of ['a', 'z']) mkdirSync(join(root, name));
    for (const name of ['a/x', 'z/y']) writeFileSync(join(root, name), name);
    const snapshots = await opened();
    const [taken] = snapshots.account.frozen;
    const onListed = (path: Uint8Array): void => {
      if (Buffer.from(path).toString() === join(root, 'a'))
        run('subvolume', 'delete', Buffer.from(taken!.snapshot!).toString());
    };
    const failing = backups.backup({ roots: [root], snapshots, onListed });
    await expect(failing).rejects.toMatchObject({ code: 'snapshot-lost' });
    await snapshots.remove();
    expect(snapshots.account.problems).toEqual([]);
    expect(await backups.read(async (repository) => repository.snapshots())).toEqual([]);
    await backUp();
    expect((await truthOf(backups, { root })).problems).toEqual([]);
    expect(readFileSync(join(root, 'z/y'), 'utf8')).toBe('z/y');
  });
});
