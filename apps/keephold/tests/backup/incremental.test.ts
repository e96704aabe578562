/** A backup after a backup stores what the disk has now, and reads no more than it must. */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  lutimesSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BackupRepository } from './_backup-repository.ts';
import { truthOf } from './_snapshot-truth.ts';

let backups: BackupRepository;
let root: string;
let count = 0;

beforeAll(async () => {
  backups = await BackupRepository.create();
});
afterAll(() => backups[Symbol.dispose]());
beforeEach(() => {
  root = join(backups.folder, `data ${count++}`);
  mkdirSync(join(root, 'folder'), { recursive: true });
  for (const name of ['a', 'b', 'folder/c', 'folder/d']) writeFileSync(join(root, name), `content of ${name}, ${root}`);
  // Beyond the time in which another change could go unnoticed.
  execFileSync('sleep', ['0.15']);
});

const backup = async (options: Partial<Parameters<BackupRepository['backup']>[0]> = {}) =>
  await backups.backup({ roots: [root], workers: 1, ...options });

/** A clock that stands still 50 ms after the last change of a file: this machine may be slow. */
function justAfter(path: string): () => bigint {
  const { ctimeNs } = statSync(path, { bigint: true });
  return () => ctimeNs + 50_000_000n;
}

/** Later than any change, so that none counts as too young to be trusted. */
const later = (): bigint => BigInt(Date.now() + 10_000) * 1_000_000n;

function freshFolder(): string {
  const folder = join(backups.folder, `cache ${count++}`);
  mkdirSync(folder);
  return folder;
}

/** Id of the tree of a folder in the last snapshot. */
async function treeOf(path: string): Promise<unknown> {
  return await backups.read(async (repository) => {
    const { subtree } = await repository.nodeAt(await repository.snapshot('latest'), Buffer.from(path));
    expect(subtree).toBeDefined();
    return subtree;
  });
}

async function expectTruth(): Promise<ReadonlySet<string>> {
  const truth = await truthOf(backups, { root });
  expect(truth.problems).toEqual([]);
  return truth.paths;
}

describe('backup after a backup', () => {
  it('reads nothing when nothing changed', async () => {
    await backup();
    const report = await backup();
    expect(report).toMatchObject({
      kind: 'complete',
      bytesRead: 0,
      packsAdded: 0,
      files: { new: 0, changed: 0, unchanged: 4 },
    });
    await expectTruth();
  });

  it('reads again what was touched, and stores nothing of it twice', async () => {
    await backup();
    utimesSync(join(root, 'a'), 1, 1);
    const report = await backup();
    expect(report.files).toEqual({ new: 0, changed: 1, unchanged: 3, storedAgain: 0 });
    await expectTruth();
  });

  it('sees a change that kept size and time', async () => {
    await backup();
    const { atime, mtime } = statSync(join(root, 'a'));
    writeFileSync(join(root, 'a'), `CONTENT of a, ${root}`);
    utimesSync(join(root, 'a'), atime, mtime);
    expect((await backup()).files.changed).toBe(1);
    await expectTruth();
  });

  it('looks again at what changed just before the last backup', async () => {
    writeFileSync(join(root, 'young'), 'x');
    await backup({ now: justAfter(join(root, 'young')) });
    await sleep(150);
    expect((await backup()).files).toEqual({ new: 0, changed: 1, unchanged: 4, storedAgain: 0 });
    expect((await backup()).files).toEqual({ new: 0, changed: 0, unchanged: 5, storedAgain: 0 });
  });

  it('does not look again at dates in the future and before 1970', async () => {
    utimesSync(join(root, 'a'), 4e9, 4e9);
    utimesSync(join(root, 'b'), -5, -5);
    await sleep(150);
    await backup();
    expect((await backup()).files.unchanged).toBe(4);
  });

  it('follows renames, deletions and changes of kind', async () => {
    await backup();
    renameSync(join(root, 'folder'), join(root, 'other'));
    rmSync(join(root, 'a'));
    symlinkSync('other/c', join(root, 'a'));
    rmSync(join(root, 'b'));
    execFileSync('mkfifo', [join(root, 'b')]);
    await backup();
    await expectTruth();
    rmSync(join(root, 'other'), { recursive: true });
    writeFileSync(join(root, 'other'), 'a file now');
    rmSync(join(root, 'a'));
    mkdirSync(join(root, 'a'));
    lutimesSync(join(root, 'b'), 7, 7);
    await backup();
    const paths = await expectTruth();
    expect(paths.has(join(root, 'other/c'))).toBe(false);
  });

  it('makes of a folder of which some changed the tree that a look at all of it makes', async () => {
    const names = Array.from({ length: 60 }, (_, i) => `file ${i}`);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('same', 'same', 'same', 'write', 'touch', 'gone'), { minLength: 60, maxLength: 60 }),
        async (fates) => {
          for (const name of names) writeFileSync(join(root, 'folder', name), `${name}: as it was`);
          const cacheFolder = freshFolder();
          await backup({ now: later, cacheFolder });
          for (const [i, fate] of fates.entries()) {
            const path = join(root, 'folder', names[i]!);
            if (fate === 'write') writeFileSync(path, `${names[i]} is another`);
            else if (fate === 'touch') utimesSync(path, i, i);
            else if (fate === 'gone') rmSync(path);
          }
          writeFileSync(join(root, 'folder', `new ${count++}`), 'new');
          await backup({ now: later, cacheFolder });
          const second = await treeOf(join(root, 'folder'));
          // What the second takes from the cache the third takes from the cache that the second made.
          utimesSync(join(root, 'folder', 'c'), 9, 9);
          await backup({ now: later, cacheFolder });
          const third = await treeOf(join(root, 'folder'));
          await backup({ now: later, cacheFolder: freshFolder() });
          expect(third).not.toEqual(second);
          expect(third).toEqual(await treeOf(join(root, 'folder')));
        },
      ),
      { numRuns: 2 },
    );
    await expectTruth();
  });

  it('sees that a file which is a root itself has changed', async () => {
    const file = join(root, 'a');
    await backup({ roots: [file] });
    writeFileSync(file, 'much longer than before, and quite another text');
    expect((await backup({ roots: [file] })).files.changed).toBe(1);
    expect((await truthOf(backups, { root: file })).problems).toEqual([]);
  });

  it('sees that the mode and time of a root have changed', async () => {
    await backup();
    chmodSync(root, 0o711);
    utimesSync(root, 5, 5);
    await backup();
    const time = await backups.read(async (repository) => {
      const node = await repository.nodeAt(await repository.snapshot('latest'), Buffer.from(root));
      return [node.mtime, node.mode];
    });
    expect(time).toEqual([5_000_000_000n, 0o711]);
  });

  it('keeps folders apart that are backed up alone and together', async () => {
    const [a, b] = [join(root, 'folder'), join(root, 'second')];
    mkdirSync(b);
    writeFileSync(join(b, 'e'), 'e');
    await backup({ roots: [a] });
    await backup({ roots: [b] });
    await backup({ roots: [a, b] });
    for (const folder of [a, b]) expect((await truthOf(backups, { root: folder })).problems).toEqual([]);
    const { paths } = await truthOf(backups);
    expect(paths.has(join(root, 'a'))).toBe(false);
    await backup({ roots: [a] });
    expect((await truthOf(backups, { root: a })).problems).toEqual([]);
  });

  it('tells of a root that is gone', async () => {
    await backup({ roots: [join(root, 'a'), join(root, 'b')] });
    rmSync(join(root, 'a'));
    const { unreadable } = await backup({ roots: [join(root, 'a'), join(root, 'b')] });
    expect(unreadable.map(({ path, error }) => `${Buffer.from(path).toString()} ${error}`)).toEqual([
      `${join(root, 'a')} ENOENT`,
    ]);
  });
});

describe('file that changes while it is read', () => {
  it('is stored as it was read, whatever it does meanwhile', async () => {
    const growing = join(root, 'growing');
    writeFileSync(growing, Buffer.alloc(6_000_000, 'g'));
    const script = `
      const fs = require('node:fs');
      for (let i = 0; ; i++) {
        fs.appendFileSync(${JSON.stringify(growing)}, Buffer.alloc(100000, String(i)));
        fs.writeFileSync(${JSON.stringify(join(root, 'shrinking'))}, Buffer.alloc(3000000 >> (i % 12), 's'));
        const gone = ${JSON.stringify(join(root, 'vanishing'))} + i % 50;
        fs.writeFileSync(gone, 'here');
        fs.rmSync(${JSON.stringify(join(root, 'vanishing'))} + (i + 25) % 50, { force: true });
        if (i % 7 === 0) fs.rmSync(${JSON.stringify(join(root, 'folder'))}, { recursive: true, force: true });
        if (i % 7 === 3) fs.mkdirSync(${JSON.stringify(join(root, 'folder/deep/deeper'))}, { recursive: true });
        if (fs.statSync(${JSON.stringify(growing)}).size > 60e6) fs.truncateSync(${JSON.stringify(growing)}, 1000);
      }`;
    const { spawn } = await import('node:child_process');
    const writer = spawn(process.execPath, ['-e', script], { stdio: 'ignore', env: {} });
    try {
      for (let i = 0; i < 4; i++) {
        const report = await backup({ workers: 2 });
        expect(report.kind).toBe('complete');
        expect(report.unreadable).toEqual([]);
        // Parts sum to sizes, all blobs have their places.
        expect((await truthOf(backups)).problems).toEqual([]);
      }
    } finally {
      writer.kill('SIGKILL');
    }
    await sleep(200);
    await backup();
    await expectTruth();
  });

  it('is read again by the next backup', async () => {
    appendFileSync(join(root, 'a'), 'more');
    await backup({ now: justAfter(join(root, 'a')) });
    await sleep(150);
    expect((await backup()).files.changed).toBe(1);
  });
});
