/** Which paths a backup reads in a snapshot, on a real btrfs with other file systems and volumes in it. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DirectoryListing, STAT_ROW_WORDS } from '@keephold/engine';
import { type BtrfsDisk, mountBtrfs } from '@keephold/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createFileSource } from '../reading/file-source.ts';
import { SNAPSHOTS_FOLDER } from './btrfs-place.ts';
import { createBtrfsTool } from './btrfs-tool.ts';
import { type OpenSnapshotsOptions, openSnapshots, type SourceSnapshots } from './open-snapshots.ts';

const disk = mountBtrfs();
if (disk === undefined) console.warn('skipped: needs btrfs and loop devices');
const tools = [createBtrfsTool({ random: (length) => crypto.getRandomValues(new Uint8Array(length)) })];
const opened: SourceSnapshots[] = [];
afterEach(async () => {
  for (const snapshots of opened.splice(0)) await snapshots.remove();
});

async function open(roots: readonly string[], options: Partial<OpenSnapshotsOptions> = {}): Promise<SourceSnapshots> {
  const snapshots = await openSnapshots({
    roots: roots.map((root) => Buffer.from(root)),
    tools,
    otherwise: 'read-live',
    oneFileSystem: false,
    now: Date.now,
    ...options,
  });
  opened.push(snapshots);
  return snapshots;
}

const text = (path: Uint8Array): string => Buffer.from(path).toString();

describe('without a file system that makes snapshots', () => {
  const folder = mkdtempSync(join(tmpdir(), 'keephold-no-snapshots-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('paths are read live, with the reason', async () => {
    const { account } = await open([folder]);
    expect(account.frozen).toEqual([]);
    expect(account.live).toEqual([
      { path: Buffer.from(folder), reason: expect.stringMatching(/^Keephold makes no snapshots of \w+$/) },
    ]);
  });

  it('a backup that requires them fails', async () => {
    const failing = open([folder], { otherwise: 'fail' });
    await expect(failing).rejects.toMatchObject({
      code: 'snapshot-unavailable',
      message: expect.stringContaining(folder),
    });
  });
});

describe.skipIf(disk === undefined)('snapshots as a source (needs btrfs and loop devices)', () => {
  const { folder, run } = disk ?? ({} as BtrfsDisk);
  const home = `${folder}/home`;
  const names = (path: string): readonly string[] => readdirSync(path);

  beforeAll(() => {
    run('subvolume', 'create', home);
    run('subvolume', 'create', `${home}/nested`);
    mkdirSync(`${home}/ann/mounted`, { recursive: true });
    mkdirSync(`${home}/tmp`);
    run('subvolume', 'create', `${folder}/other`);
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', `${home}/tmp`]);
    execFileSync('mount', ['--bind', `${folder}/other`, `${home}/ann/mounted`]);
    for (const path of ['ann/file', 'nested/file', 'tmp/file', 'ann/mounted/file'])
      writeFileSync(`${home}/${path}`, path);
  });
  afterAll(() => {
    if (disk === undefined) return;
    execFileSync('umount', [`${home}/tmp`, `${home}/ann/mounted`]);
    disk[Symbol.dispose]();
  });

  it('read what is mounted below in a snapshot of its own or live, and volumes left out of one live', async () => {
    const snapshots = await open([home]);
    const source = createFileSource({ roots: [Buffer.from(home)], filter: undefined, oneFileSystem: false, snapshots });
    const above = source.list(Buffer.from(folder), ['home']);
    const listed = source.list(Buffer.from(home));
    const inAnn = source.list(Buffer.from(`${home}/ann`));
    expect(listed.names).toEqual(['ann', 'nested', 'tmp']);
    for (const [listing, name, path] of [
      [above, 'home', home],
      [listed, 'ann', `${home}/ann`],
      [listed, 'nested', `${home}/nested`],
      [listed, 'tmp', `${home}/tmp`],
      [inAnn, 'mounted', `${home}/ann/mounted`],
      [inAnn, 'file', `${home}/ann/file`],
    ] as const)
      expect(identity(listing, name), path).toEqual(identityOf(path));
    const isFrozen = (path: string): boolean => snapshots.pathOf(Buffer.from(`${home}/${path}`)) !== undefined;
    expect(['ann/file', 'ann/mounted/file', 'nested/file', 'tmp/file'].map(isFrozen)).toEqual([
      true,
      true,
      false,
      false,
    ]);
    for (const path of [home, `${home}/nested`, `${home}/tmp`, `${home}/ann/mounted`])
      expect(source.list(Buffer.from(path)).count, path).toBeGreaterThan(0);
    const { frozen, live, mountedBelow } = snapshots.account;
    expect(frozen.map(({ path }) => text(path))).toEqual([home, `${home}/ann/mounted`]);
    expect(live).toEqual([
      { path: Buffer.from(`${home}/nested`), reason: 'it is a volume of its own, which a snapshot leaves out' },
    ]);
    expect(mountedBelow.map(({ path, reason }) => [text(path), reason])).toEqual([
      [`${home}/tmp`, 'another file system (tmpfs)'],
    ]);
    expect(source.excluded.entries.map(({ path }) => text(path))).toContain(`${home}/${SNAPSHOTS_FOLDER}`);
    await snapshots.remove();
    expect([names(`${home}/${SNAPSHOTS_FOLDER}`), names(`${folder}/other/${SNAPSHOTS_FOLDER}`)]).toEqual([[], []]);
  });

  it('stay on one file system where a live walk would', async () => {
    const snapshots = await open([home], { oneFileSystem: true });
    const source = createFileSource({ roots: [Buffer.from(home)], filter: undefined, oneFileSystem: true, snapshots });
    source.list(Buffer.from(folder), ['home']);
    expect(source.list(Buffer.from(home)).names).toEqual(['ann']);
    expect(source.list(Buffer.from(`${home}/ann`)).names).toEqual(['file']);
    const { frozen, live, mountedBelow } = snapshots.account;
    expect([frozen.length, live, mountedBelow]).toEqual([1, [], []]);
  });

  it('of the volume around a path serve all paths in it', async () => {
    writeFileSync(`${home}/ann/more`, '');
    const { account } = await open([`${home}/ann/file`, `${home}/ann/more`]);
    expect(account.frozen.map(({ volume }) => text(volume))).toEqual([home, home]);
    rmSync(`${home}/ann/more`);
    expect(names(`${home}/${SNAPSHOTS_FOLDER}`)).toHaveLength(1);
  });

  it('are all removed when one of the required paths has none', async () => {
    const failing = open([home, '/proc/self'], { otherwise: 'fail' });
    await expect(failing).rejects.toMatchObject({ code: 'snapshot-unavailable' });
    execFileSync('mount', ['-o', 'remount,ro,bind', `${home}/ann/mounted`]);
    const late = open([home, `${home}/ann/mounted`], { otherwise: 'fail' });
    await expect(late).rejects.toMatchObject({ code: 'snapshot-unavailable' });
    execFileSync('mount', ['-o', 'remount,rw,bind', `${home}/ann/mounted`]);
    expect(names(`${home}/${SNAPSHOTS_FOLDER}`)).toEqual([]);
  });
});

/** Mode, owner, inode, size and times, and the file system: what the next run and hard links go by. */
function identity({ names, rows, stats }: DirectoryListing, name: string): readonly number[] {
  const at = rows[names.indexOf(name)]! * STAT_ROW_WORDS;
  return [...stats.subarray(at, at + 16)];
}

function identityOf(path: string): readonly number[] {
  const slash = path.lastIndexOf('/');
  const source = createFileSource({ roots: [], filter: undefined, oneFileSystem: false });
  expect(statSync(path).ino).toBeGreaterThan(0);
  return identity(source.list(Buffer.from(path.slice(0, slash)), [path.slice(slash + 1)]), path.slice(slash + 1));
}
