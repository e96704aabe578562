/** Whatever stops a backup, the repository stays good and the next one goes on from there. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CustodyError } from '@keephold/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BackupRepository } from './_backup-repository.ts';
import { RandomTree } from './_random-tree.ts';
import { truthOf } from './_snapshot-truth.ts';

const MIB = 1024 * 1024;
/**
 * What a commit may store beyond its data (format.md §4): the short pack is raised to the next size of the ladder, at
 * most 32 pages; the pack that is full when open ones are joined may lack a frame, at most 4 MiB; trees and indexes.
 */
const PADDING_OF_A_COMMIT = (2 + 4 + 0.5) * MIB;
const isRoot = process.getuid?.() === 0;

function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, Math.min(length, at + 65_536)));
  return bytes;
}

function start(
  folder: string,
  root: string,
  options: object = {},
): { readonly child: ChildProcess; readonly answer: Promise<Answer> } {
  const script = fileURLToPath(new URL('_backup-process.ts', import.meta.url));
  const args = [
    '--conditions=@keephold/source',
    '--disable-warning=ExperimentalWarning',
    script,
    folder,
    root,
    JSON.stringify(options),
  ];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const answer = new Promise<Answer>((resolve, reject) => {
    let text = '';
    let errors = '';
    child.stdout?.on('data', (data: Buffer) => (text += data.toString()));
    child.stderr?.on('data', (data: Buffer) => (errors += data.toString()));
    child.on('close', (_, signal) => {
      if (signal !== null) return resolve({ killed: true });
      const line = text.trim().split('\n').at(-1) ?? '';
      if (line === '') reject(new Error(errors));
      else resolve(JSON.parse(line) as Answer);
    });
  });
  return { child, answer };
}

interface Answer {
  readonly killed?: boolean;
  readonly kind?: string;
  readonly code?: string;
  readonly message?: string;
  readonly bytesStored?: number;
  readonly unreadable?: readonly string[];
}

/** Files of a folder, `count` of `size` random bytes. */
function fill(root: string, count: number, size: number): void {
  mkdirSync(root, { recursive: true });
  for (let i = 0; i < count; i++) {
    if (i % 20 === 0) mkdirSync(join(root, `folder ${i / 20}`), { recursive: true });
    writeFileSync(join(root, `folder ${Math.floor(i / 20)}`, `file ${i}`), noise(size));
  }
}

describe('interrupted backup', () => {
  let backups: BackupRepository;
  let root: string;
  beforeAll(async () => {
    backups = await BackupRepository.create();
    root = join(backups.folder, 'data');
    fill(root, 200, MIB);
    execFileSync('sleep', ['0.15']);
  });
  afterAll(() => backups[Symbol.dispose]());

  it('that had not stored anything leaves nothing', async () => {
    const report = await backups.backup({ roots: [root], signal: AbortSignal.abort() });
    expect(report).toMatchObject({ kind: 'none', snapshot: undefined, interrupted: true });
    await backups.read(async (repository) => expect(await repository.snapshots()).toEqual([]));
  });

  it('leaves a checkpoint that can be browsed, and the next one goes on from it', async () => {
    const abort = new AbortController();
    const report = await backups.backup({
      roots: [root],
      signal: abort.signal,
      onProgress: ({ bytesStored }) => {
        if (bytesStored > 60 * MIB) abort.abort();
      },
    });
    expect(report).toMatchObject({ kind: 'checkpoint', interrupted: true });
    const { problems, paths } = await truthOf(backups);
    expect(problems).toEqual([]);
    expect([...paths].filter((path) => path.includes('/file ')).length).toBeGreaterThan(30);
    const next = await backups.backup({ roots: [root] });
    expect(next.kind).toBe('complete');
    expect(next.bytesStored + report.bytesStored).toBeLessThan(200 * MIB + 2 * PADDING_OF_A_COMMIT);
    expect(next.bytesRead).toBeLessThan(200 * MIB - 30 * MIB);
    expect((await truthOf(backups, { root })).problems).toEqual([]);
  });

  it('keeps making checkpoints without running out of memory areas', async () => {
    const other = join(backups.folder, 'more');
    fill(other, 150, MIB);
    const report = await backups.backup({ roots: [other], checkpointEvery: 0 });
    expect(report.kind).toBe('complete');
    expect((await truthOf(backups, { root: other })).problems).toEqual([]);
    await backups.read(async (repository) => expect((await repository.snapshots()).length).toBeGreaterThan(6));
  });

  it('keeps in each checkpoint what the one before had', async () => {
    using own = await BackupRepository.create();
    const tree = join(own.folder, 'tree');
    fill(tree, 60, MIB);
    execFileSync('sleep', ['0.15']);
    await own.backup({ roots: [tree], checkpointEvery: 0 });
    const count = await own.read(async (repository) => (await repository.snapshots()).length);
    const files: number[] = [];
    for (let seq = 1; seq <= count; seq++) {
      const { paths } = await truthOf(own, { seq });
      files.push([...paths].filter((path) => path.includes('/file ')).length);
    }
    expect(files).toEqual(files.toSorted((a, b) => a - b));
    expect(files.length).toBeGreaterThan(2);
    expect(files.slice(-2)).toEqual([60, 60]);
  });

  it('remembers what stood where over a checkpoint within one folder', async () => {
    const wide = join(backups.folder, 'wide');
    mkdirSync(wide);
    for (let i = 0; i < 1500; i++) writeFileSync(join(wide, `${i}`), noise(5000));
    execFileSync('sleep', ['0.15']);
    await backups.backup({ roots: [wide], checkpointEvery: 0 });
    writeFileSync(join(wide, 'one more'), 'x');
    const report = await backups.backup({ roots: [wide] });
    expect(report.files).toMatchObject({ new: 1, unchanged: 1500 });
    expect((await truthOf(backups, { root: wide })).problems).toEqual([]);
  });
});

describe('two backups at once', () => {
  it('both succeed, of the same folder and of different ones', async () => {
    using backups = await BackupRepository.create();
    const [a, b] = [join(backups.folder, 'a'), join(backups.folder, 'b')];
    fill(a, 60, MIB / 2);
    fill(b, 60, MIB / 2);
    for (const [one, two] of [
      [a, b],
      [a, a],
    ] as const) {
      const answers = await Promise.all([start(backups.folder, one).answer, start(backups.folder, two).answer]);
      expect(answers.map(({ kind, message }) => message ?? kind)).toEqual(['complete', 'complete']);
      const count = await backups.read(async (repository) => (await repository.snapshots()).length);
      for (let i = 0; i < count; i++) expect((await truthOf(backups, { seq: i + 1 })).problems).toEqual([]);
    }
    writeFileSync(join(a, 'new'), 'new');
    await backups.backup({ roots: [a] });
    expect((await truthOf(backups, { root: a })).problems).toEqual([]);
    expect(readdirSync(backups.cacheFolder).filter((name) => name.startsWith('own-'))).toEqual([]);
  });
});

describe('killed backup', () => {
  it('leaves a good repository, wherever it was', async () => {
    using backups = await BackupRepository.create();
    const tree = new RandomTree(join(backups.folder, 'data'), 4711);
    tree.grow(120);
    const root = tree.root.toString();
    const runs = Number(process.env['KEEPHOLD_KILLS'] ?? 8);
    for (let i = 0; i < runs; i++) {
      const { child, answer } = start(backups.folder, root, { checkpointEvery: i % 2 === 0 ? 0 : 300_000 });
      const timer = setTimeout(() => child.kill('SIGKILL'), 300 + tree.below(2500));
      await answer;
      clearTimeout(timer);
      backups.breakLock();
      if (i % 3 === 2) {
        const report = await backups.backup({ roots: [root], workers: 1 });
        expect(report.kind).toBe('complete');
        expect((await truthOf(backups, { root })).problems, `after kill ${i}`).toEqual([]);
      }
      tree.edit(10);
    }
    await backups.backup({ roots: [root], workers: 1 });
    expect((await truthOf(backups, { root })).problems).toEqual([]);
    const count = await backups.read(async (repository) => repository.snapshots());
    for (const { seq } of count) expect((await truthOf(backups, { seq })).problems).toEqual([]);
  });
});

describe.runIf(isRoot)('full disk', () => {
  it('fails with no-room, leaves the repository good, and goes on once there is room', async () => {
    const disk = mkdtempSync(join(tmpdir(), 'keephold-disk-'));
    const data = mkdtempSync(join(tmpdir(), 'keephold-data-'));
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=90m', 'tmpfs', disk]);
    } catch {
      console.warn('skipped: needs the right to mount a small disk');
      return;
    }
    try {
      using backups = await BackupRepository.create(disk);
      fill(join(data, 'small'), 20, MIB);
      await backups.backup({ roots: [join(data, 'small')] });
      fill(join(data, 'large'), 120, MIB);
      const failed = await backups.backup({ roots: [join(data, 'large')] }).catch((error: unknown) => error);
      expect(failed).toBeInstanceOf(CustodyError);
      expect((failed as CustodyError).code).toBe('no-room');
      const { problems } = await truthOf(backups, { root: join(data, 'small') });
      expect(problems).toEqual([]);
      execFileSync('mount', ['-o', 'remount,size=400m', disk]);
      expect((await backups.backup({ roots: [join(data, 'large')] })).kind).toBe('complete');
      expect((await truthOf(backups, { root: join(data, 'large') })).problems).toEqual([]);
    } finally {
      execFileSync('umount', ['-l', disk]);
      rmSync(disk, { recursive: true });
      rmSync(data, { recursive: true });
    }
  });
});

describe('changed repository', () => {
  it('that was put back to an older state is not taken for the newer one', async () => {
    using backups = await BackupRepository.create();
    const root = join(backups.folder, 'data');
    fill(root, 20, 300_000);
    await backups.backup({ roots: [root] });
    const kept = join(backups.folder, 'kept');
    cpSync(backups.repositoryFolder, kept, { recursive: true });
    fill(join(root, 'more'), 20, 300_000);
    execFileSync('sleep', ['0.15']);
    await backups.backup({ roots: [root] });
    await backups.backup({ roots: [root] });
    rmSync(backups.repositoryFolder, { recursive: true });
    cpSync(kept, backups.repositoryFolder, { recursive: true });
    expect((await backups.backup({ roots: [root] })).kind).toBe('complete');
    expect((await truthOf(backups, { root })).problems).toEqual([]);
    await backups.backup({ roots: [root] });
    expect((await truthOf(backups, { root })).problems).toEqual([]);
  });

  it('from which everything was reclaimed is filled again', async () => {
    using backups = await BackupRepository.create();
    const root = join(backups.folder, 'data');
    fill(root, 40, MIB / 2);
    execFileSync('sleep', ['0.15']);
    await backups.backup({ roots: [root] });
    await reclaim(backups, [1]);
    expect((await backups.backup({ roots: [root] })).kind).toBe('complete');
    expect((await truthOf(backups, { root })).problems).toEqual([]);
    writeFileSync(join(root, 'another'), noise(100_000));
    await backups.backup({ roots: [root] });
    const seqs = await backups.read(async (repository) => (await repository.snapshots()).map(({ seq }) => seq));
    await reclaim(backups, seqs.slice(0, 1));
    await backups.backup({ roots: [root] });
    expect((await truthOf(backups, { root })).problems).toEqual([]);
  });

  it('numbers packs anew when the cache is lost, and no remembered tree is read by old numbers', async () => {
    using backups = await BackupRepository.create();
    const [first, second] = [join(backups.folder, 'first'), join(backups.folder, 'second')];
    fill(first, 20, 300_000);
    fill(second, 20, 300_000);
    execFileSync('sleep', ['0.15']);
    await backups.backup({ roots: [first] });
    await backups.backup({ roots: [second] });
    // Packs of the first are gone: counted again, those of the second have other numbers.
    await reclaim(backups, [1]);
    rmSync(join(backups.cacheFolder, 'known-table'));
    writeFileSync(join(first, 'new'), noise(300_000));
    await backups.backup({ roots: [first] });
    writeFileSync(join(second, 'new'), noise(300_000));
    await backups.backup({ roots: [second] });
    expect((await truthOf(backups, { root: second })).problems).toEqual([]);
    await backups.backup({ roots: [first] });
    expect((await truthOf(backups, { root: first })).problems).toEqual([]);
  });
});

async function reclaim(backups: BackupRepository, seqs: readonly number[]): Promise<void> {
  await backups.read(async ({ vaultId }, custody) => {
    await custody.trash(vaultId, seqs);
    for (let i = 0; i < 3; i++) await custody.collect(vaultId, { trashDays: 0, purgeDays: 0 });
  });
}

describe.runIf(isRoot)('files that may not be read', () => {
  it('are named, and the rest goes on', async () => {
    using backups = await BackupRepository.create();
    const root = join(backups.folder, 'data');
    fill(root, 40, 1000);
    writeFileSync(join(root, 'secret'), 'x', { mode: 0o600 });
    mkdirSync(join(root, 'closed'), { mode: 0o700 });
    writeFileSync(join(root, 'closed', 'inside'), 'x');
    mkdirSync(join(root, 'unsearchable'));
    writeFileSync(join(root, 'unsearchable', 'entry'), 'x');
    chmodSync(join(root, 'unsearchable'), 0o704);
    chmodSync(backups.folder, 0o755);
    const nobody = 65_534;
    execFileSync('chown', [
      '-R',
      `${nobody}:${nobody}`,
      backups.repositoryFolder,
      backups.cacheFolder,
      join(backups.folder, 'state'),
    ]);
    chownSync(backups.folder, nobody, nobody);
    for (let i = 0; i < 2; i++) {
      const answer = await start(backups.folder, root, { uid: nobody }).answer;
      expect(answer.message ?? answer.kind).toBe('complete');
      expect([...(answer.unreadable ?? [])].sort()).toEqual([
        `${root}/closed EACCES`,
        `${root}/secret EACCES`,
        `${root}/unsearchable/entry EACCES`,
      ]);
    }
    const { paths, problems } = await truthOf(backups);
    expect(problems).toEqual([]);
    expect([...paths].filter((path) => path.includes('/file ')).length).toBe(40);
  });
});

describe('absurd trees', () => {
  it('100,000 files in one folder', async () => {
    using backups = await BackupRepository.create();
    const root = join(backups.folder, 'data');
    mkdirSync(root);
    for (let i = 0; i < 100_000; i++) writeFileSync(join(root, `file ${i}`), i % 3 === 0 ? '' : `${i}`);
    execFileSync('sleep', ['0.15']);
    const first = await backups.backup({ roots: [root] });
    expect(first.files.new).toBe(100_000);
    writeFileSync(join(root, 'file 5'), 'changed');
    const second = await backups.backup({ roots: [root] });
    expect(second.files).toEqual({ new: 0, changed: 1, unchanged: 99_999, storedAgain: 0 });
    expect((await truthOf(backups, { root })).problems).toEqual([]);
  }, 400_000);

  it('folders 1,000 deep, with a file and a link at the end', async () => {
    using backups = await BackupRepository.create();
    const root = join(backups.folder, 'data');
    mkdirSync(root);
    const script = `
      import os
      os.chdir(${JSON.stringify(root)})
      for i in range(1000):
        os.mkdir('folder %d' % i); os.chdir('folder %d' % i)
      open('file', 'w').write('deep'); os.symlink('to somewhere', 'link'); os.setxattr('file', 'user.tag', b'x')`;
    execFileSync('python3', ['-c', script.replaceAll('\n      ', '\n')]);
    const report = await backups.backup({ roots: [root] });
    expect(report).toMatchObject({ kind: 'complete', unreadable: [], notes: [] });
    const { problems, paths } = await truthOf(backups);
    expect(problems).toEqual([]);
    expect([...paths].filter((path) => path.endsWith('/file') || path.endsWith('/link')).length).toBe(2);
    execFileSync('rm', ['-rf', root]);
  });
});
