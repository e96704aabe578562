/** Databases, disk images, sparse files, and files too long for one turn of a worker. */
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { BackupRepository } from './_backup-repository.ts';
import { RandomTree } from './_random-tree.ts';
import { truthOf } from './_snapshot-truth.ts';

const MIB = 1024 * 1024;
let backups: BackupRepository;
let root: string;
let random: RandomTree;

beforeAll(async () => {
  backups = await BackupRepository.create();
  root = join(backups.folder, 'data');
  random = new RandomTree(root, 77);
});
afterAll(() => backups[Symbol.dispose]());

async function pieceLengths(path: string): Promise<readonly number[]> {
  return backups.read(async (repository) => {
    const node = await repository.nodeAt(await repository.snapshot('latest'), Buffer.from(path));
    const lengths: number[] = [];
    for await (const some of repository.contentParts(node)) lengths.push(...some.map(({ length }) => length));
    return lengths;
  });
}

/** Random bytes, since repeated ones would be one blob. */
function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, Math.min(length, at + 65_536)));
  return bytes;
}

it('stores an edited database in small pieces', async () => {
  const path = join(root, 'photos.sqlite');
  const database = new DatabaseSync(path);
  database.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, body BLOB)');
  const insert = database.prepare('INSERT INTO t (body) VALUES (?)');
  database.exec('BEGIN');
  for (let i = 0; i < 20_000; i++) insert.run(noise(2000));
  database.exec('COMMIT');
  await sleep(150);
  const first = await backups.backup({ roots: [root] });
  expect(statSync(path).size).toBeGreaterThan(32 * MIB);
  expect((await truthOf(backups, { root })).problems).toEqual([]);
  database.prepare('UPDATE t SET body = ? WHERE id = 9000').run(noise(2000));
  database.close();
  await sleep(150);
  const second = await backups.backup({ roots: [root] });
  expect(second.bytesStored).toBeLessThan(first.bytesStored / 50);
  expect((await truthOf(backups, { root })).problems).toEqual([]);
});

it('cuts a disk with a partition table and a named image into pieces', async () => {
  const disk = noise(40 * MIB);
  disk.fill(0, 440, 512);
  disk[446] = 0x80;
  disk[450] = 0x83;
  disk[510] = 0x55;
  disk[511] = 0xaa;
  disk.fill(0, 10 * MIB, 20 * MIB);
  writeFileSync(join(root, 'disk'), disk);
  writeFileSync(join(root, 'raw.IMG'), noise(34 * MIB));
  await backups.backup({ roots: [root] });
  expect((await truthOf(backups, { root })).problems).toEqual([]);
  const lengths = await pieceLengths(join(root, 'raw.IMG'));
  expect(lengths.filter((length) => length % 512 !== 0 || length > 32_768)).toEqual([]);
  // Only the last of a segment may be shorter.
  expect(lengths.filter((length) => length < 8192).length).toBeLessThanOrEqual(34 / 4 + 1);
  const mean = (34 * MIB) / lengths.length;
  expect(mean).toBeGreaterThan(14_000);
  expect(mean).toBeLessThan(18_000);
});

it('stores once what an image holds again at another sector, and what another image holds', async () => {
  const files = noise(6 * MIB);
  const image = Buffer.concat([noise(5120), files, noise(4608), files, Buffer.alloc(2560)]);
  writeFileSync(join(root, 'first.img'), image);
  const first = await backups.backup({ roots: [root] });
  expect(first.bytesStored).toBeLessThan(8.5 * MIB);
  writeFileSync(join(root, 'second.img'), Buffer.concat([noise(12_800), files, noise(512)]));
  const second = await backups.backup({ roots: [root] });
  expect(second.bytesStored).toBeLessThan(1.5 * MIB);
  expect((await truthOf(backups, { root })).problems).toEqual([]);
});

it('keeps an image with holes, whatever is written between them', async () => {
  const path = join(root, 'sparse.img');
  const file = openSync(path, 'w');
  ftruncateSync(file, 200 * MIB);
  for (const [at, length] of [
    [4096, 4096],
    [3 * MIB - 512, 1024],
    [4 * MIB, 16_384],
    [50 * MIB + 12_288, 100_000],
    [199 * MIB, MIB],
  ] as const)
    writeSync(file, noise(length), 0, length, at);
  closeSync(file);
  const report = await backups.backup({ roots: [root] });
  expect(report.bytesRead).toBeLessThan(40 * MIB);
  expect((await truthOf(backups, { root })).problems).toEqual([]);
});

it('goes on with a long file turn by turn, also over checkpoints', async () => {
  const path = join(root, 'video');
  writeFileSync(path, Buffer.concat([noise(240 * MIB), Buffer.alloc(30 * MIB), noise(MIB)]));
  const report = await backups.backup({ roots: [root], checkpointEvery: 50 });
  expect(report.kind).toBe('complete');
  const truth = await truthOf(backups, { root });
  expect(truth.problems).toEqual([]);
  // And cut as it would be in one go: nothing is new when another file begins the same.
  await sleep(150);
  truncateSync(path, 200 * MIB);
  const again = await backups.backup({ roots: [root] });
  expect(again.bytesStored).toBeLessThan(6 * MIB);
  expect((await truthOf(backups, { root })).problems).toEqual([]);
});

it.each(['sparse', 'sparse.img'])(
  'stores 100 GB of nothing in seconds (%s)',
  async (name) => {
    const path = join(root, name);
    const file = openSync(path, 'w');
    ftruncateSync(file, 100_000_000_000);
    writeSync(file, noise(100_000), 0, 100_000, 50_000_000_000);
    writeSync(file, 'start', 0);
    closeSync(file);
    const started = performance.now();
    const report = await backups.backup({ roots: [path] });
    expect(report.bytesRead).toBeLessThan(100 * MIB);
    expect(performance.now() - started).toBeLessThan(20_000);
    const { problems, holes } = await truthOf(backups, { root: path, namesOnly: true });
    expect(problems).toEqual([]);
    expect(holes.get(path)).toBeGreaterThan(99_000_000_000);
    const middle = await backups.read(async (repository) => {
      const snapshot = await repository.snapshot('latest');
      const node = await repository.nodeAt(snapshot, Buffer.from(path));
      let at = 0;
      for await (const some of repository.contentParts(node)) {
        for (const { blob, length } of some) {
          if (at <= 50_000_000_000 && at + length > 50_000_000_000) return await repository.readBlob(blob, 1);
          at += length;
        }
      }
      return undefined;
    });
    expect(middle?.some((byte) => byte !== 0)).toBe(true);
    rmSync(path);
  },
  60_000,
);

it('stores an image that changes between its segments as it was read', async () => {
  const path = join(root, 'busy.img');
  writeFileSync(path, noise(100 * MIB));
  const { spawn } = await import('node:child_process');
  const script = `
    const fs = require('node:fs'), f = fs.openSync(${JSON.stringify(path)}, 'r+'), b = Buffer.alloc(4096, 1);
    for (let i = 0; ; i++) { fs.writeSync(f, b, 0, 4096, (i * 7919 % 20000) * 4096); if (i % 5000 === 0) fs.ftruncateSync(f, i % 10000 === 0 ? 20e6 : 90e6); }`;
  const writer = spawn(process.execPath, ['-e', script], { stdio: 'ignore', env: {} });
  try {
    for (let i = 0; i < 3; i++) {
      const report = await backups.backup({ roots: [path] });
      expect(report.kind).toBe('complete');
      expect(report.notes.map(({ note }) => note)).toEqual(['changed while it was read']);
      expect((await truthOf(backups)).problems).toEqual([]);
    }
  } finally {
    writer.kill('SIGKILL');
  }
  mkdirSync(join(root, 'unused'), { recursive: true });
  expect(random.below(2)).toBeLessThan(2);
});
