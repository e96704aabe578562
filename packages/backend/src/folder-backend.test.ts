import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { backendSuite, faultyDisk } from '@keephold/testkit';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Disk, nodeDisk } from './disk.ts';
import { FolderBackend } from './folder-backend.ts';

let path: string;
let backend: FolderBackend;

beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), 'keephold-backend-'));
  backend = new FolderBackend({ path });
});
afterEach(async () => await rm(path, { recursive: true, force: true }));

backendSuite('a folder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'keephold-backend-'));
  return {
    backend: new FolderBackend({ path: folder }),
    [Symbol.asyncDispose]: async () => await rm(folder, { recursive: true, force: true }),
  };
});

const bytes = (...values: readonly number[]): Uint8Array => new Uint8Array(values);

function hasDirectWrites(): boolean {
  const probe = join(tmpdir(), `keephold-direct-${process.pid}`);
  try {
    execFileSync('fincore', ['--version'], { stdio: 'ignore' });
    execFileSync('dd', ['if=/dev/zero', `of=${probe}`, 'bs=4096', 'count=1', 'oflag=direct'], { stdio: 'ignore' });
    const cached = execFileSync('fincore', ['--bytes', '--noheadings', '--output', 'RES', probe]);
    return Number(cached.toString()) === 0;
  } catch {
    return false;
  } finally {
    rmSync(probe, { force: true });
  }
}

async function names(prefix: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { name } of backend.list(prefix)) found.push(name);
  return found;
}

describe('FolderBackend', () => {
  it('leaves no temporary file behind', async () => {
    await backend.putNew('a/b', bytes(1, 2, 3));
    await backend.putNew('a/b', bytes(9));
    await backend.put('a/b', bytes(4, 5));
    await backend.delete('a/b');
    expect(await readdir(join(path, 'tmp'))).toEqual([]);
  });

  it('writes files that nobody may write, in folders that only the owner may enter', async () => {
    await backend.put('a/b', bytes(1));
    expect((await stat(join(path, 'a/b'))).mode & 0o333).toBe(0);
    expect((await stat(join(path, 'a'))).mode & 0o777).toBe(0o700);
  });

  it('writes large objects of any length, from any place in memory, as they are', async () => {
    const { buffer } = new WebAssembly.Memory({ initial: 64, maximum: 64, shared: true });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 8192 }), fc.integer({ min: -5000, max: 5000 }), async (at, more) => {
        const large = new Uint8Array(buffer, at, 1024 * 1024 + more);
        large.forEach((_, i) => {
          large[i] = (i * 31 + at + (i >> 12)) & 255;
        });
        await backend.put('packs/x', large);
        expect(Buffer.compare((await readFile(join(path, 'packs/x'))) as Uint8Array, new Uint8Array(large))).toBe(0);
        expect((await stat(join(path, 'packs/x'))).mode & 0o777).toBe(0o444);
      }),
      { numRuns: 12 },
    );
  });

  it.skipIf(!hasDirectWrites())(
    'keeps large objects out of the cache (skipped: needs direct writes and fincore)',
    async () => {
      const { buffer } = new WebAssembly.Memory({ initial: 64, maximum: 64, shared: true });
      await backend.putNew('packs/x', new Uint8Array(buffer, 0, 2_000_000).fill(7));
      const cached = execFileSync('fincore', ['--bytes', '--noheadings', '--output', 'RES', join(path, 'packs/x')]);
      expect(Number(cached.toString())).toBeLessThan(10_000);
    },
  );

  it('refuses empty objects and takes an empty file for a reservation that got no contents', async () => {
    await expect(backend.put('a', bytes())).rejects.toMatchObject({ code: 'bad-name' });
    await writeFile(join(path, 'a'), '');
    expect(await backend.get('a')).toBeUndefined();
    expect(await backend.stat('a')).toBeUndefined();
    expect(await names('')).toEqual([]);
    expect(await backend.putNew('a', bytes(1))).toBe('created');
    expect(await backend.get('a')).toEqual(bytes(1));
  });

  it('lists in order, without temporary files, foreign names and links to nowhere', async () => {
    for (const name of ['b/2', 'b/10', 'a/x', 'c']) await backend.put(name, bytes(1));
    await writeFile(join(path, 'Foreign File'), 'x');
    await symlink('nowhere', join(path, 'b', 'link'));
    await writeFile(join(path, 'tmp', 'left.over.1'), 'x');
    expect(await names('')).toEqual(['a/x', 'b/10', 'b/2', 'c']);
    expect(await names('b')).toEqual(['b/10', 'b/2']);
    expect(await names('none')).toEqual([]);
  });

  it('does the same where there are no hard links', async () => {
    const refuse = async (): Promise<never> => {
      throw Object.assign(new Error('EPERM: no links here'), { code: 'EPERM' });
    };
    const disk: Disk = { ...nodeDisk, link: refuse };
    const without = new FolderBackend({ path, disk });
    expect(await without.putNew('a', bytes(1))).toBe('created');
    expect(await without.putNew('a', bytes(2))).toBe('exists');
    expect(await without.get('a')).toEqual(bytes(1));
    expect(await readdir(join(path, 'tmp'))).toEqual([]);
  });

  it('shares one fsync of a folder among writes in flight', async () => {
    const disk = faultyDisk(nodeDisk);
    const counting = new FolderBackend({ path, disk });
    await counting.put('packs/0', bytes(1));
    const before = disk.steps();
    await Promise.all(
      Array.from({ length: 16 }, async (_, i) => await counting.putNew(`packs/${i + 1}`, bytes(i + 1))),
    );
    const syncs = disk.log.slice(before).filter((step) => step.startsWith('fsync folder'));
    expect(syncs.length).toBeGreaterThan(0);
    expect(syncs.length).toBeLessThan(16);
  });

  it('stops at an abort, in the middle of a paced write, and leaves nothing', async () => {
    const controller = new AbortController();
    let pieces = 0;
    const pace = async (): Promise<void> => {
      pieces += 1;
      if (pieces === 3) controller.abort();
    };
    const writing = backend.putNew('a', new Uint8Array(1_000_000).fill(1), { signal: controller.signal, pace });
    await expect(writing).rejects.toMatchObject({ name: 'AbortError' });
    expect(pieces).toBeLessThan(5);
    expect(await readdir(join(path, 'tmp'))).toEqual([]);
    expect(await backend.get('a')).toBeUndefined();
  });

  it.each([
    ['ENOSPC', 'no-room'],
    ['EDQUOT', 'no-room'],
    ['EACCES', 'no-permission'],
    ['EROFS', 'read-only'],
    ['EIO', 'io'],
  ])('says of %s: %s, at every step, and can go on', async (code, expected) => {
    for (let step = 1; step <= 7; step++) {
      const disk = faultyDisk(nodeDisk, { kind: 'fail', step, code });
      const failing = new FolderBackend({ path, disk });
      const name = `${code.toLowerCase()}-${step}/x`;
      // A failing removal of the temporary file is nobody's failure.
      const outcome = await failing.putNew(name, bytes(1)).catch((error: unknown) => error);
      if (outcome !== 'created') expect(outcome).toMatchObject({ name: 'BackendError', code: expected });
      await failing.putNew(name, bytes(1));
      expect(await backend.get(name)).toEqual(bytes(1));
    }
  });

  it('cleans only what no live writer can be using', async () => {
    await mkdir(join(path, 'tmp'));
    const { hostname } = await import('node:os');
    const host = hostname()
      .toLowerCase()
      .replaceAll(/[^a-z0-9-]/g, '-');
    const now = Date.now();
    const files: readonly (readonly [string, number])[] = [
      [`${host}.${process.pid}.1`, 3],
      [`${host}.4194999.1`, 3],
      [`${host}.4194999.2`, 0.5],
      ['elsewhere.1.1', 3],
      ['elsewhere.1.2', 30],
    ];
    for (const [name, hours] of files) {
      await writeFile(join(path, 'tmp', name), 'x');
      const time = new Date(now - hours * 3_600_000);
      await utimes(join(path, 'tmp', name), time, time);
    }
    expect(await backend.removeStaleTemporaries(now)).toBe(2);
    const kept = new Set([files[0]?.[0], files[2]?.[0], 'elsewhere.1.1']);
    expect(new Set(await readdir(join(path, 'tmp')))).toEqual(kept);
  });

  it.skipIf(process.getuid?.() === 0)('says no-permission for a folder that it may not write', async () => {
    await chmod(path, 0o500);
    await expect(backend.put('a', bytes(1))).rejects.toMatchObject({ code: 'no-permission' });
  });

  it('keeps what it stored readable by plain tools', async () => {
    await backend.put('readme.txt', bytes(104, 105));
    expect(await readFile(join(path, 'readme.txt'), 'utf8')).toBe('hi');
  });
});
