/** `keephold backup --fs-snapshot`: whatever ends the run, no snapshot of the file system stays behind for good. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemRandom } from '@keephold/crypto';
import { type BtrfsDisk, mountBtrfs } from '@keephold/testkit';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { builtCommand } from '../_built-command.ts';

const disk = mountBtrfs();
if (disk === undefined) console.warn('skipped: needs btrfs and loop devices');

let home: string;
let volume: string;
let count = 0;

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly records: readonly Readonly<Record<string, unknown>>[];
}

function start(...words: readonly string[]): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
  const child = spawn(process.execPath, [...builtCommand().node, ...words], {
    env: {
      PATH: process.env['PATH'],
      HOME: home,
      KEEPHOLD_PASSWORD: 'bench horse battery',
      KEEPHOLD_REPO: join(home, 'repo'),
    },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (some: string) => (text += some));
  const ended = new Promise<Ended>((resolve) =>
    child.once('close', (code, signal) => {
      const lines = text.split('\n').filter((line) => line.startsWith('{'));
      resolve({ code, signal, records: lines.map((line) => JSON.parse(line) as Record<string, unknown>) });
    }),
  );
  return { child, ended };
}

const keephold = async (...words: readonly string[]): Promise<Ended> => await start(...words).ended;
const entries = (): readonly string[] => {
  const folder = join(volume, '.keephold-snapshots');
  return existsSync(folder) ? readdirSync(folder) : [];
};

/** A backup that takes long, once its snapshot is there. */
async function startLong(): Promise<ReturnType<typeof start>> {
  const before = entries();
  const running = start('backup', volume, '--fs-snapshot', 'require', '--json', '--limit-upload', '1MB');
  const hasSnapshot = (): boolean =>
    entries().some(
      (name) => !before.includes(name) && existsSync(join(volume, '.keephold-snapshots', name, 'files/big')),
    );
  while (!hasSnapshot()) {
    if (running.child.exitCode !== null) throw new Error('the backup ended before it had a snapshot');
    await sleep(5);
  }
  return running;
}

describe.skipIf(disk === undefined)('backup --fs-snapshot (needs btrfs and loop devices)', () => {
  const { folder, run } = disk ?? ({} as BtrfsDisk);
  afterAll(() => disk?.[Symbol.dispose]());
  beforeEach(async () => {
    home = mkdtempSync(join(tmpdir(), 'keephold-home-'));
    volume = join(folder, `volume${count++}`);
    run('subvolume', 'create', volume);
    mkdirSync(join(volume, 'data'));
    writeFileSync(join(volume, 'data/letter'), 'text');
    writeFileSync(join(volume, 'big'), systemRandom(20_000_000));
    await keephold('init', '--quiet');
  });
  afterEach(() => rmSync(home, { recursive: true }));

  function expectNothingLeft(): void {
    expect(entries()).toEqual([]);
    expect(run('subvolume', 'list', '-r', folder)).toBe('');
  }

  it('tells which paths came from which snapshot, and removes it', async () => {
    run('subvolume', 'create', join(volume, 'nested'));
    const { code, records } = await keephold('backup', volume, '--fs-snapshot', 'auto', '--json');
    expect(code).toBe(0);
    expect(records.find(({ type }) => type === 'fs-snapshot')).toEqual({
      type: 'fs-snapshot',
      path: volume,
      fileSystem: 'btrfs',
      volume,
      snapshot: expect.stringMatching(/\/\.keephold-snapshots\/[0-9a-f]{32}\/files$/),
    });
    expect(records.find(({ type }) => type === 'not-in-fs-snapshot')).toMatchObject({ path: join(volume, 'nested') });
    expectNothingLeft();
  });

  it('does not call a backup whole that had to have snapshots and read a volume without one', async () => {
    const whole = await keephold('backup', volume, '--fs-snapshot', 'require', '--json');
    expect(whole.code).toBe(0);
    run('subvolume', 'create', join(volume, 'nested'));
    const { code, records } = await keephold('backup', volume, '--fs-snapshot', 'require', '--json');
    expect(code).toBe(3);
    expect(records.find(({ type }) => type === 'not-in-fs-snapshot')).toMatchObject({ path: join(volume, 'nested') });
    const without = ['--exclude', 'nested', '--json'];
    expect((await keephold('backup', volume, '--fs-snapshot', 'require', ...without)).code).toBe(0);
    expectNothingLeft();
  });

  it('says in a dry run what would be from a snapshot, and fails where the backup would', async () => {
    const foreseen = await keephold('backup', volume, '-n', '--fs-snapshot', 'require', '--json');
    const told = foreseen.records.filter(({ type }) => type === 'fs-snapshot');
    expect([foreseen.code, told]).toEqual([
      0,
      [{ type: 'fs-snapshot', path: volume, fileSystem: 'btrfs', volume, snapshot: null }],
    ]);
    expect(existsSync(join(volume, '.keephold-snapshots'))).toBe(false);
    const fails = await keephold('backup', home, '-n', '--fs-snapshot', 'require', '--json');
    expect([fails.code, fails.records.at(-1)]).toMatchObject([1, { type: 'error', code: 'snapshot-unavailable' }]);
    const live = await keephold('backup', home, '-n', '--fs-snapshot', 'auto', '--json');
    expect(live.code).toBe(0);
    expect(live.records.find(({ type }) => type === 'not-in-fs-snapshot')).toMatchObject({ path: home });
  });

  it('falls back to the files themselves, or fails before anything is stored', async () => {
    const fails = await keephold('backup', volume, home, '--fs-snapshot', 'require', '--json');
    expect([fails.code, fails.records.at(-1)]).toMatchObject([1, { type: 'error', code: 'snapshot-unavailable' }]);
    expect((await keephold('snapshots', '--json')).records.filter(({ type }) => type === 'snapshot')).toEqual([]);
    const documents = join(home, 'documents');
    mkdirSync(documents);
    writeFileSync(join(documents, 'letter'), 'dear all');
    const { code, records } = await keephold('backup', documents, '--fs-snapshot', 'auto', '--json');
    expect(code).toBe(0);
    expect(records.find(({ type }) => type === 'not-in-fs-snapshot')).toMatchObject({ path: documents });
    expectNothingLeft();
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('removes it after %s', async (signal) => {
    const { child, ended } = await startLong();
    child.kill(signal);
    expect((await ended).code).toBe(130);
    expectNothingLeft();
  });

  it('removes it when the backup fails', async () => {
    const { ended } = await startLong();
    rmSync(join(home, 'repo'), { recursive: true });
    writeFileSync(join(home, 'repo'), 'no folder any more');
    const { code, records } = await ended;
    expect(code).not.toBe(0);
    expect(records.at(-1)).toMatchObject({ type: 'error' });
    expectNothingLeft();
  });

  it('removes what a killed one left with the next run, and nothing that another run reads', async () => {
    const killed = await startLong();
    killed.child.kill('SIGKILL');
    expect((await killed.ended).signal).toBe('SIGKILL');
    const [left] = entries();
    expect(left).toBeDefined();
    const other = await startLong();
    expect(entries()).not.toContain(left);
    const [read] = entries();
    const { code, records } = await keephold('backup', join(volume, 'data'), '--fs-snapshot', 'require', '--json');
    expect([code, records.filter(({ type }) => type === 'fs-snapshot-removed')]).toEqual([0, []]);
    expect(entries()).toEqual([read]);
    other.child.kill('SIGINT');
    expect((await other.ended).records.find(({ type }) => type === 'fs-snapshot-removed')).toBeDefined();
    expectNothingLeft();
  });
});
