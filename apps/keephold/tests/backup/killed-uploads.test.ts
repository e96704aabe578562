/** What a backup stored before it was killed is not stored again by the next one. */
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Custody, CustodyError, overrideCustody } from '@keephold/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BackupRepository } from './_backup-repository.ts';
import { truthOf } from './_snapshot-truth.ts';

const MIB = 1024 * 1024;
const FULL_PACK = 96 + 256 * 65_552;
/** The short packs of a commit, up to the next size of the ladder, its trees and its records. */
const REST_OF_A_COMMIT = 22 * MIB;
/** What a commit stores beyond its data: interruptions.test.ts. */
const PADDING_OF_A_COMMIT = 6.5 * MIB;

let backups: BackupRepository;
let root: string;

beforeEach(async () => {
  backups = await BackupRepository.create();
  root = join(backups.folder, 'data');
  fill(root, 40);
});
afterEach(() => backups[Symbol.dispose]());

function fill(folder: string, count: number): void {
  mkdirSync(folder, { recursive: true });
  for (let i = 0; i < count; i++) writeFileSync(join(folder, `file ${i}`), noise(2 * MIB));
}

function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, Math.min(length, at + 65_536)));
  return bytes;
}

/** A backup that ends with nothing committed, as if it were killed just before. */
async function dieBeforeCommit(folder: string): Promise<void> {
  const wrap = (custody: Custody): Custody =>
    overrideCustody(custody, { commit: async () => await Promise.reject(new CustodyError('unavailable', 'dead')) });
  await expect(backups.backup({ roots: [folder], wrap })).rejects.toMatchObject({ message: 'dead' });
}

function packFiles(): readonly string[] {
  const vaults = join(backups.repositoryFolder, 'vaults');
  return readdirSync(vaults, { recursive: true, encoding: 'utf8' })
    .filter((name) => /packs\/..\/[0-9a-f]{64}$/.test(name))
    .map((name) => join(vaults, name));
}

function fullPacks(): readonly string[] {
  return packFiles().filter((path) => statSync(path).size === FULL_PACK);
}

function journal(): readonly string[] {
  return readdirSync(backups.cacheFolder)
    .filter((name) => name.startsWith('uploaded-'))
    .map((name) => join(backups.cacheFolder, name));
}

describe('the backup after one that was killed', () => {
  it('stores none of the full packs again, and names them', async () => {
    await dieBeforeCommit(root);
    const before = fullPacks().length;
    expect(before).toBeGreaterThanOrEqual(4);
    const report = await backups.backup({ roots: [root] });
    expect(report.kind).toBe('complete');
    expect(report.bytesStored).toBeLessThan(REST_OF_A_COMMIT);
    expect(fullPacks().length - before).toBeLessThanOrEqual(1);
    expect((await truthOf(backups, { root })).problems).toEqual([]);
    expect(journal()).toEqual([]);
  });

  it('does so after kills without a commit in between, too', async () => {
    await dieBeforeCommit(root);
    fill(join(root, 'more'), 20);
    await dieBeforeCommit(root);
    const report = await backups.backup({ roots: [root] });
    expect(report.bytesStored).toBeLessThan(REST_OF_A_COMMIT);
    expect((await truthOf(backups, { root })).problems).toEqual([]);
  });

  it('needs only what it uses: packs of files that are gone are left for gc', async () => {
    await dieBeforeCommit(root);
    const left = fullPacks();
    const other = join(backups.folder, 'other');
    fill(other, 2);
    await backups.backup({ roots: [other] });
    const { problems } = await truthOf(backups, { root: other });
    expect(problems).toEqual([]);
    await backups.read(async (repository) => {
      const refset = await repository.refset(await repository.snapshot('latest'));
      const held = new Set(Array.from({ length: refset.length / 32 }, (_, i) => hexAt(refset, i)));
      expect(left.filter((path) => held.has(path.slice(-64)))).toEqual([]);
    });
    // What was not named is not known either: a snapshot that relied on it would have no index of it.
    expect((await backups.backup({ roots: [root] })).bytesStored).toBeGreaterThan(80 * MIB);
    expect((await truthOf(backups, { root })).problems).toEqual([]);
  });

  it('names them in a checkpoint, and needs what the snapshot uses of them afterwards', async () => {
    await dieBeforeCommit(root);
    const report = await backups.backup({ roots: [root], checkpointEvery: 0 });
    expect(report.bytesStored).toBeLessThan(2 * REST_OF_A_COMMIT);
    const count = await backups.read(async (repository) => (await repository.snapshots()).length);
    expect(count).toBeGreaterThan(1);
    for (let seq = 1; seq <= count; seq++) expect((await truthOf(backups, { seq })).problems).toEqual([]);
    expect((await truthOf(backups, { root })).problems).toEqual([]);
  });

  it('stores again what was deleted meanwhile', async () => {
    await dieBeforeCommit(root);
    for (const path of fullPacks().slice(0, 2)) rmSync(path);
    const report = await backups.backup({ roots: [root] });
    expect(report.kind).toBe('complete');
    expect((await truthOf(backups, { root })).problems).toEqual([]);
  });

  it('begins anew after a journal that was cut, changed or made up, and loses no more than what stands there', async () => {
    for (const damage of [cut, flip, (path: string) => writeFileSync(path, noise(3000))]) {
      await dieBeforeCommit(root);
      for (const path of journal()) damage(path);
      expect((await backups.backup({ roots: [root] })).kind).toBe('complete');
      expect((await truthOf(backups, { root })).problems).toEqual([]);
      expect(journal()).toEqual([]);
      fill(root, 40);
    }
  }, 120_000);

  it('goes on after kill -9 in the middle', async () => {
    const script = fileURLToPath(new URL('_backup-process.ts', import.meta.url));
    const args = ['--conditions=@keephold/source', '--disable-warning=ExperimentalWarning'];
    const child = spawn(process.execPath, [...args, script, backups.folder, root, '{}'], { stdio: 'ignore' });
    const ended = new Promise((resolve) => child.on('close', resolve));
    while (child.exitCode === null && notedPacks() < 2) await new Promise((resolve) => setImmediate(resolve));
    child.kill('SIGKILL');
    await ended;
    backups.breakLock();
    expect(child.signalCode).toBe('SIGKILL');
    const noted = notedPacks();
    const report = await backups.backup({ roots: [root] });
    expect(report.bytesStored).toBeLessThan(80 * MIB - noted * 15.5 * MIB + PADDING_OF_A_COMMIT);
    expect((await truthOf(backups, { root })).problems).toEqual([]);
  });
});

/** Whole entries of the journal. */
function notedPacks(): number {
  let count = 0;
  for (const path of journal()) {
    const bytes = readFileSync(path);
    for (let at = 0; at + 4 <= bytes.length; at += 4 + bytes.readUInt32LE(at))
      if (at + 4 + bytes.readUInt32LE(at) <= bytes.length) count++;
  }
  return count;
}

function cut(path: string): void {
  truncateSync(path, Math.floor(statSync(path).size * 0.7));
}

function flip(path: string): void {
  const bytes = readFileSync(path);
  const at = Math.floor(bytes.length / 2);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

function hexAt(list: Uint8Array, i: number): string {
  return Buffer.from(list.subarray(i * 32, i * 32 + 32)).toString('hex');
}
