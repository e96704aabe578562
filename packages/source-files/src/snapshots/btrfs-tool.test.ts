/** Snapshots of a real btrfs: made, read, removed; of killed runs as well, and of nobody else. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { LOCK_EX, LOCK_NB, libc } from '@keephold/ffi';
import { type BtrfsDisk, mountBtrfs } from '@keephold/testkit';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { MARKER_TEXT, SNAPSHOTS_FOLDER } from './btrfs-place.ts';
import { createBtrfsTool } from './btrfs-tool.ts';
import type { FileSystemSnapshot } from './snapshot-tool.ts';

const disk = mountBtrfs();
if (disk === undefined) console.warn('skipped: needs btrfs and loop devices');
const tool = createBtrfsTool({ random: (length) => crypto.getRandomValues(new Uint8Array(length)) });
let volume: string;
let count = 0;

function snapshotsIn(folder: string): readonly string[] {
  const place = join(folder, SNAPSHOTS_FOLDER);
  return existsSync(place) ? readdirSync(place) : [];
}

/** What a killed run leaves: everything but the lock. */
function leave(name: string, { marker = MARKER_TEXT, writable = false, files = true } = {}): string {
  const place = join(volume, SNAPSHOTS_FOLDER);
  if (!existsSync(place)) mkdirSync(place, { mode: 0o700 });
  mkdirSync(join(place, name), { mode: 0o700 });
  if (marker !== '') writeFileSync(join(place, name, 'keephold'), marker, { mode: 0o600 });
  const flags = writable ? [] : ['-r'];
  if (files) disk!.run('subvolume', 'snapshot', ...flags, volume, join(place, name, 'files'));
  return join(place, name);
}

const ID = '0123456789abcdef0123456789abcdef';
const OTHER = 'fedcba9876543210fedcba9876543210';

describe.skipIf(disk === undefined)('snapshots of btrfs (needs btrfs and loop devices)', () => {
  const { folder, run } = disk ?? ({} as BtrfsDisk);
  afterAll(() => disk?.[Symbol.dispose]());
  beforeEach(() => {
    volume = join(folder, `volume${count++}`);
    run('subvolume', 'create', volume);
    mkdirSync(join(volume, 'a'));
    writeFileSync(join(volume, 'a/file'), 'before');
  });

  async function take(): Promise<FileSystemSnapshot> {
    return await tool.take(volume);
  }

  it('hold what was there, cannot be written, and keep inodes and times', async () => {
    await using snapshot = await take();
    writeFileSync(join(volume, 'a/file'), 'after');
    expect(readFileSync(`${snapshot.root}/a/file`, 'utf8')).toBe('before');
    expect(() => writeFileSync(`${snapshot.root}/new`, '')).toThrow('EROFS');
    const [inside, outside] = [`${snapshot.root}/a`, join(volume, 'a')].map((path) => statSync(path, { bigint: true }));
    expect([inside!.ino, inside!.ctimeNs, inside!.mtimeNs]).toEqual([outside!.ino, outside!.ctimeNs, outside!.mtimeNs]);
    expect(snapshot.isThere()).toBe(true);
    expect(readFileSync(join(snapshot.name, 'a/file'), 'utf8')).toBe('before');
  });

  it('are gone when they are let go of, and leave an empty private folder', async () => {
    const snapshot = await take();
    await snapshot[Symbol.asyncDispose]();
    expect(snapshotsIn(volume)).toEqual([]);
    expect(statSync(join(volume, SNAPSHOTS_FOLDER)).mode & 0o777).toBe(0o700);
    expect(run('subvolume', 'list', '-r', volume)).toBe('');
  });

  it('are read to the end even if somebody moves their folder, and are removed from where it is then', async () => {
    const snapshot = await take();
    renameSync(join(volume, SNAPSHOTS_FOLDER), join(volume, 'moved'));
    expect(readFileSync(`${snapshot.root}/a/file`, 'utf8')).toBe('before');
    expect(snapshot.isThere()).toBe(true);
    await snapshot[Symbol.asyncDispose]();
    expect(readdirSync(join(volume, 'moved'))).toEqual([]);
    expect(run('subvolume', 'list', '-r', volume)).toBe('');
  });

  it('notice when somebody removes them', async () => {
    const snapshot = await take();
    run('subvolume', 'delete', snapshot.name);
    expect(snapshot.isThere()).toBe(false);
    await snapshot[Symbol.asyncDispose]();
    expect(snapshotsIn(volume)).toEqual([]);
  });

  it('that are writable by then are left, with a reason', async () => {
    const snapshot = await take();
    run('property', 'set', '-f', '-ts', snapshot.name, 'ro', 'false');
    await expect(snapshot[Symbol.asyncDispose]()).rejects.toMatchObject({ code: 'snapshot-left' });
    expect(existsSync(snapshot.name)).toBe(true);
  });

  it.each([
    ['a link', () => symlinkSync(folder, join(volume, SNAPSHOTS_FOLDER))],
    [
      'a folder that others may enter',
      () => {
        mkdirSync(join(volume, SNAPSHOTS_FOLDER));
        chmodSync(join(volume, SNAPSHOTS_FOLDER), 0o755);
      },
    ],
    [
      'a folder of somebody else',
      () => {
        mkdirSync(join(volume, SNAPSHOTS_FOLDER), { mode: 0o700 });
        chownSync(join(volume, SNAPSHOTS_FOLDER), 65_534, 65_534);
      },
    ],
    ['a file', () => writeFileSync(join(volume, SNAPSHOTS_FOLDER), '')],
    [
      'a volume of its own',
      () => {
        run('subvolume', 'create', join(volume, SNAPSHOTS_FOLDER));
        chmodSync(join(volume, SNAPSHOTS_FOLDER), 0o700);
      },
    ],
  ])('are not made where their folder is %s', async (_, plant) => {
    plant();
    await expect(take()).rejects.toMatchObject({ code: 'snapshot-unavailable' });
    expect(run('subvolume', 'list', '-r', volume)).toBe('');
  });

  it('of a read-only volume are not made, with the reason of the system', async () => {
    run('property', 'set', '-ts', volume, 'ro', 'true');
    await expect(take()).rejects.toThrow(/Read-only|EROFS/);
    run('property', 'set', '-ts', volume, 'ro', 'false');
  });

  it('are of the volume that holds a path', () => {
    expect(tool.findVolume(join(volume, 'a/file'), folder)).toBe(volume);
    expect(tool.findVolume(volume, folder)).toBe(volume);
    expect(tool.findVolume(folder, folder)).toBe(folder);
  });

  it('are not made where only a part of a volume is mounted', () => {
    const part = join(volume, 'part');
    mkdirSync(part);
    execFileSync('mount', ['--bind', join(volume, 'a'), part]);
    try {
      expect(() => tool.findVolume(join(part, 'file'), part)).toThrow('only a part of its subvolume is mounted there');
    } finally {
      execFileSync('umount', [part]);
      rmdirSync(part);
    }
  });

  describe('of runs that were killed', () => {
    it('are removed', async () => {
      const left = leave(ID);
      expect(await tool.removeLeftovers(volume)).toEqual({ removed: [left], problems: [] });
      expect(snapshotsIn(volume)).toEqual([]);
      expect(run('subvolume', 'list', '-r', volume)).toBe('');
      expect(await tool.removeLeftovers(volume)).toEqual({ removed: [], problems: [] });
    });

    it('are removed whatever the run had come to', async () => {
      leave(ID, { marker: MARKER_TEXT.slice(0, 10), files: false });
      leave(OTHER, { marker: '', files: false });
      leave('00000000000000000000000000000000', { files: false });
      expect((await tool.removeLeftovers(volume)).problems).toEqual([]);
      expect(snapshotsIn(volume)).toEqual([]);
    });

    it('are left while their run lives', async () => {
      const snapshot = await take();
      const left = leave(ID);
      const marker = openSync(join(left, 'keephold'), constants.O_RDWR);
      expect(libc()!.flock(marker, LOCK_EX | LOCK_NB)).toBe(0);
      expect(await tool.removeLeftovers(volume)).toEqual({ removed: [], problems: [] });
      expect(snapshot.isThere()).toBe(true);
      closeSync(marker);
      expect((await tool.removeLeftovers(volume)).removed).toEqual([left]);
      expect(snapshot.isThere()).toBe(true);
      await snapshot[Symbol.asyncDispose]();
    });

    it.each([
      ['with another name', () => leave('weekly')],
      ['without a marker', () => leave(ID, { marker: '' })],
      ['with another marker', () => leave(ID, { marker: `${MARKER_TEXT}more` })],
      ['with a part of a marker', () => leave(ID, { marker: MARKER_TEXT.slice(0, 20) })],
      [
        'with something beside them',
        () => {
          const left = leave(ID);
          writeFileSync(join(left, 'mine'), '');
          return left;
        },
      ],
      [
        'with a marker that others may write',
        () => {
          const left = leave(ID);
          chmodSync(join(left, 'keephold'), 0o666);
          return left;
        },
      ],
    ])('are left where nothing proves that they are ours: %s', async (_, plant) => {
      const left = plant();
      expect(await tool.removeLeftovers(volume)).toEqual({ removed: [], problems: [] });
      expect(existsSync(join(left, 'files/a/file'))).toBe(true);
    });

    it('are left and told when they can be written', async () => {
      const left = leave(ID, { writable: true });
      const { removed, problems } = await tool.removeLeftovers(volume);
      expect(removed).toEqual([]);
      expect(problems).toEqual([`${left}: it is not read-only, as ours are`]);
      expect(existsSync(join(left, 'files/a/file'))).toBe(true);
    });
  });
});
