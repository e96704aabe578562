/** What a backup leaves out because it was told to. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createFileFilter } from '../../src/jobs/file-filter.ts';
import { BackupRepository } from './_backup-repository.ts';
import { truthOf } from './_snapshot-truth.ts';

let backups: BackupRepository;
let root: string;

beforeAll(async () => {
  backups = await BackupRepository.create();
  root = join(backups.folder, 'data');
  for (const folder of ['', 'node_modules', 'src', 'cache', 'private'])
    mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, 'a.log'), 'x');
  writeFileSync(join(root, 'src/b.log'), 'x');
  writeFileSync(join(root, 'src/kept.txt'), 'x');
  writeFileSync(join(root, 'node_modules/index.js'), 'x');
  writeFileSync(join(root, 'cache/CACHEDIR.TAG'), 'Signature: 8a477f597d28d172789f06886806bc55');
  writeFileSync(join(root, 'cache/blob'), 'x');
  writeFileSync(join(root, 'private/.nobackup'), '');
  writeFileSync(join(root, 'private/diary'), 'x');
});
afterAll(() => backups[Symbol.dispose]());

async function pathsOf(seq?: number): Promise<readonly string[]> {
  const { paths, problems } = await truthOf(backups, seq === undefined ? {} : { seq });
  expect(problems).toEqual([]);
  return [...paths]
    .filter((path) => path.startsWith(`${root}/`))
    .map((path) => path.slice(root.length + 1))
    .sort();
}

it('leaves out what rules and markers say, and takes it in again when they are gone', async () => {
  const roots = [Buffer.from(root)];
  const filter = createFileFilter(
    { roots: [root], rules: ['*.log', 'node_modules/'], files: [], cachedirTag: true, nobackup: true },
    { roots, own: [Buffer.from(`${root}/cache/nothing`)] },
  );
  const report = await backups.backup({ roots, filter });
  expect(await pathsOf()).toEqual(['cache', 'cache/CACHEDIR.TAG', 'private', 'src', 'src/kept.txt']);
  expect(report.excluded.count).toBe(5);
  await backups.backup({ roots });
  expect((await truthOf(backups, { root })).problems).toEqual([]);
  await backups.backup({ roots, filter });
  expect(await pathsOf()).toEqual(['cache', 'cache/CACHEDIR.TAG', 'private', 'src', 'src/kept.txt']);
});

it.runIf(process.getuid?.() === 0)('stays on the file system of each root', async () => {
  const mounted = join(root, 'a mount');
  mkdirSync(mounted);
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', mounted]);
  } catch {
    console.warn('skipped: needs the right to mount');
    return;
  }
  try {
    mkdirSync(join(mounted, 'folder'));
    writeFileSync(join(mounted, 'folder', 'elsewhere'), 'x');
    await backups.backup({ roots: [root], oneFileSystem: true });
    expect((await pathsOf()).filter((path) => path.startsWith('a mount/'))).toEqual([]);
    expect(await pathsOf()).toContain('src/kept.txt');
    await backups.backup({ roots: [root, mounted], oneFileSystem: false });
    expect(await pathsOf()).toContain('a mount/folder/elsewhere');
    await backups.backup({ roots: [mounted], oneFileSystem: true });
    expect(await pathsOf()).toContain('a mount/folder/elsewhere');
  } finally {
    execFileSync('umount', ['-l', mounted]);
  }
});
