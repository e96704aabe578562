import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cString, libc, watchCalls } from '@keephold/ffi';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FolderWatcher } from './folder-watcher.ts';

const isPossible = watchCalls() !== undefined;
if (!isPossible) console.warn('skipped: needs inotify');

let root: string;
let watcher: FolderWatcher;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'keephold-watch-'));
  for (const folder of ['a/deep/er', 'b', 'skipped']) mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, 'a', 'file'), 'content');
  writeFileSync(join(root, 'a/deep/er', 'file'), 'content');
  watcher = await FolderWatcher.open({ roots: [Buffer.from(root)], skips: (_, name) => name === 'skipped' });
});
afterEach(async () => {
  await watcher[Symbol.asyncDispose]();
  rmSync(root, { recursive: true, force: true });
});

/** Relative to the root. */
async function taken(): Promise<{ readonly folders: readonly string[]; readonly trees: readonly string[] }> {
  const { folders, trees } = await watcher.take();
  const relative = (paths: readonly Uint8Array[]): string[] =>
    paths
      .map((path) =>
        Buffer.from(path)
          .toString()
          .slice(root.length + 1),
      )
      .sort();
  return { folders: relative(folders), trees: relative(trees) };
}

describe.skipIf(!isPossible)('watched folders', () => {
  it('tells nothing when nothing changed, and each change once', async () => {
    expect(await taken()).toEqual({ folders: [], trees: [] });
    writeFileSync(join(root, 'a', 'file'), 'other');
    expect(await taken()).toEqual({ folders: ['a'], trees: [] });
    expect(await taken()).toEqual({ folders: [], trees: [] });
  });

  it.each<[string, () => void]>([
    ['a new file', () => writeFileSync(join(root, 'a', 'new'), '')],
    ['a removed file', () => rmSync(join(root, 'a', 'file'))],
    ['a mode', () => chmodSync(join(root, 'a', 'file'), 0o600)],
    ['times', () => utimesSync(join(root, 'a', 'file'), 1, 1)],
    ['a link', () => symlinkSync('x', join(root, 'a', 'link'))],
    ['another name of a file', () => linkSync(join(root, 'a', 'file'), join(root, 'a', 'name'))],
    ['a renamed file', () => renameSync(join(root, 'a', 'file'), join(root, 'a', 'renamed'))],
    [
      'an extended attribute',
      () =>
        libc()!.lsetxattr(
          cString(Buffer.from(join(root, 'a', 'file'))),
          cString(Buffer.from('user.x')),
          new Uint8Array(1),
        ),
    ],
  ])('tells the folder of %s', async (_, change) => {
    change();
    expect(await taken()).toEqual({ folders: ['a'], trees: [] });
  });

  it('tells of a file that stays open as soon as it is written or cut', async () => {
    const file = openSync(join(root, 'b', 'log'), 'w');
    await taken();
    writeSync(file, 'line');
    expect((await taken()).folders).toEqual(['b']);
    ftruncateSync(file, 0);
    expect((await taken()).folders).toEqual(['b']);
    closeSync(file);
  });

  it('tells a new folder with what is in it, and watches it from then on', async () => {
    mkdirSync(join(root, 'b', 'new', 'below'), { recursive: true });
    writeFileSync(join(root, 'b', 'new', 'below', 'file'), '');
    expect((await taken()).trees).toContain('b/new');
    writeFileSync(join(root, 'b', 'new', 'below', 'later'), '');
    expect(await taken()).toEqual({ folders: ['b/new/below'], trees: [] });
  });

  it('tells a moved folder where it is now, and what changes in it later by its new path', async () => {
    renameSync(join(root, 'a', 'deep'), join(root, 'b', 'moved'));
    expect(await taken()).toEqual({ folders: ['a', 'b'].sort(), trees: ['b/moved'] });
    writeFileSync(join(root, 'b', 'moved', 'er', 'file'), 'other');
    expect(await taken()).toEqual({ folders: ['b/moved/er'], trees: [] });
  });

  it('follows a folder that is moved again before anybody looked', async () => {
    renameSync(join(root, 'a', 'deep'), join(root, 'b', 'one'));
    renameSync(join(root, 'b', 'one'), join(root, 'two'));
    mkdirSync(join(root, 'a', 'deep'));
    expect((await taken()).trees).toEqual(expect.arrayContaining(['a/deep', 'two']));
    writeFileSync(join(root, 'two', 'er', 'file'), 'other');
    writeFileSync(join(root, 'a', 'deep', 'file'), '');
    expect(await taken()).toEqual({ folders: ['a/deep', 'two/er'], trees: [] });
  });

  it('gives back the watches of folders that are gone', async () => {
    const before = watcher.size;
    rmSync(join(root, 'a', 'deep'), { recursive: true });
    expect((await taken()).folders).toContain('a');
    expect(watcher.size).toBe(before - 2);
  });

  it('does not watch what is skipped', async () => {
    writeFileSync(join(root, 'skipped', 'file'), '');
    mkdirSync(join(root, 'b', 'skipped'));
    writeFileSync(join(root, 'b', 'skipped', 'file'), '');
    expect(await taken()).toEqual({ folders: ['b'], trees: [] });
  });

  const hasPython = spawnSync('python3', ['-c', '']).status === 0;
  if (!hasPython) console.warn('skipped: needs python3');

  it.skipIf(!hasPython)('tells every time of a file that is written through memory', async () => {
    const file = join(root, 'b', 'mapped');
    writeFileSync(file, Buffer.alloc(4096));
    await taken();
    const script = `import mmap,sys
f=open(${JSON.stringify(file)},'r+b'); m=mmap.mmap(f.fileno(),0); f.close(); m[0]=7; print('ready',flush=True); sys.stdin.readline()`;
    const writer = spawn('python3', ['-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
    await new Promise<void>((resolve) => writer.stdout.once('data', () => resolve()));
    expect((await taken()).folders).toEqual(['b']);
    expect((await taken()).folders).toEqual(['b']);
    writer.stdin.end('\n');
    await new Promise<void>((resolve) => writer.once('exit', () => resolve()));
    expect((await taken()).folders).toEqual(['b']);
    expect((await taken()).folders).toEqual([]);
  });

  it('tells nothing any more once its root was moved away', async () => {
    renameSync(root, `${root}-moved`);
    await expect(watcher.take()).rejects.toMatchObject({ code: 'watch-gap' });
    rmSync(`${root}-moved`, { recursive: true });
  });

  it('shares its thread with others, and each hears of its own folders', async () => {
    await taken();
    const others: FolderWatcher[] = [];
    // More than there are threads.
    for (let i = 0; i < 6; i++)
      others.push(
        await FolderWatcher.open({ roots: [Buffer.from(join(root, i % 2 === 0 ? 'a' : 'b'))], skips: () => false }),
      );
    writeFileSync(join(root, 'a', 'deep', 'new'), '');
    expect((await taken()).folders).toEqual(['a/deep']);
    const counts = await Promise.all(others.map(async (other) => (await other.take()).folders.length));
    expect(counts).toEqual([1, 0, 1, 0, 1, 0]);
    // What one lets go the others still watch.
    for (const other of others.splice(0, 5)) await other[Symbol.asyncDispose]();
    writeFileSync(join(root, 'a', 'file'), 'other');
    writeFileSync(join(root, 'b', 'file'), 'other');
    expect((await taken()).folders).toEqual(['a', 'b']);
    expect((await others[0]!.take()).folders.length).toBe(1);
    await others[0]![Symbol.asyncDispose]();
  });

  it('lets a process end that never closed it', () => {
    const script = `import { FolderWatcher } from ${JSON.stringify(join(import.meta.dirname, 'folder-watcher.ts'))};
await FolderWatcher.open({ roots: [Buffer.from(${JSON.stringify(root)})], skips: () => false });
setImmediate(() => process.exit(7));`;
    const run = (): unknown =>
      execFileSync(process.execPath, ['--conditions=@keephold/source', '--input-type=module', '-e', script], {
        timeout: 20_000,
        cwd: import.meta.dirname,
      });
    expect(run).toThrow(expect.objectContaining({ status: 7 }) as Error);
  });
});
