/**
 * Holds the table of cases.ts (and with it docs/fidelity.md) against the real command and foreign programs. A run takes
 * one file system and one user; `KEEPHOLD_FIDELITY=all` takes all of them, without it two runs show every mode and both
 * file systems. What a machine cannot run is skipped by name.
 */
import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, type TestContext, test } from 'vitest';
import type { Seen } from './_scenario-process.ts';
import { cases, type FidelityCase, type FileSystem, fileSystems, type Mode } from './cases.ts';

type Who = 'root' | 'user';
const isRoot = process.getuid?.() === 0;
const all = process.env['KEEPHOLD_FIDELITY'] === 'all';
const runs: readonly (readonly [FileSystem, Who])[] = all
  ? fileSystems.flatMap((fileSystem) => [[fileSystem, 'root'] as const, [fileSystem, 'user'] as const])
  : [
      ['ext4', 'root'],
      ['tmpfs', 'user'],
    ];
const programs = ['bash', 'rsync', 'tar', 'setfattr', 'setfacl', 'chattr', 'getcap', 'perl'];

describe.runIf(process.platform === 'linux')('fidelity', () => {
  const missing = programs.filter(
    (name) => spawnSync('bash', ['-c', `PATH=$PATH:/sbin:/usr/sbin type ${name}`]).status !== 0,
  );
  for (const [fileSystem, who] of runs) {
    describe(`on ${fileSystem} as ${who === 'root' ? 'root' : 'an ordinary user'}`, () => {
      let work = '';
      let result: readonly Seen[] | string = 'did not run';

      beforeAll(async () => {
        const lacking = missing.length > 0 ? `needs ${missing.join(', ')}` : lacks(fileSystem, who);
        if (lacking !== undefined) return void (result = lacking);
        work = mkdtempSync(join(placeFor(fileSystem), 'kh-fidelity-'));
        result = await runScenario(fileSystem, who, work);
      }, 600_000);
      afterAll(() => {
        if (work === '') return;
        // Only where the folder itself was the file system: what was mounted is gone.
        if (isRoot) spawnSync('chattr', ['-R', '-f', '-ia', work]);
        spawnSync('chmod', ['-R', 'u+rwX', work]);
        for (const path of [work, `${work}.img`, `${work}.json`]) rmSync(path, { recursive: true, force: true });
      });

      for (const mode of who === 'user' ? (['user'] as const) : (['privileged', 'root'] as const)) {
        test.for(cases.map((one) => [one.id, one] as const))(`${mode}: %s`, ([, one], context) => {
          judge(one, mode, result, context);
        });
      }
    });
  }
});

function judge(one: FidelityCase, mode: Mode, result: readonly Seen[] | string, context: TestContext): void {
  if (typeof result === 'string') return context.skip(result);
  const seen = result.find(({ id, mode: of }) => id === one.id && of === mode);
  if (seen === undefined) throw new Error(`${one.id}: not looked at`);
  if (seen.notMade !== undefined) return context.skip(seen.notMade);
  const fate = one.fates[mode];
  const kinds = new Set(seen.told.map((text) => text.split(':')[0]));
  if (fate.fate === 'kept')
    expect({ differences: seen.differences, told: seen.told }).toEqual({ differences: {}, told: [] });
  else expect(Object.keys(seen.differences), 'the difference that is told of').not.toEqual([]);
  if (fate.fate === 'unseen') expect(seen.told).toEqual([]);
  if (fate.fate === 'skipped') expect([...kinds]).toEqual(['skipped']);
  if (fate.fate === 'noted') expect(kinds.has('note') || kinds.has('unreadable'), 'told at the backup').toBe(true);
  if (fate.fate === 'told') {
    expect([...kinds]).toEqual(['problem']);
    expect(seen.told.map((text) => text.replace(/ \(.*/s, ''))).toContain(`problem: ${fate.what}`);
  }
}

/** Why it cannot run here. */
function lacks(fileSystem: FileSystem, who: Who): string | undefined {
  if (who === 'root' && !isRoot) return 'needs root';
  if (isRoot && who === 'user' && !othersCanRead()) return 'needs a checkout that other users can read';
  if (isRoot && spawnSync('unshare', ['-m', 'true']).status !== 0) return 'needs unshare with mount namespaces';
  if (isOn(fileSystem, placeFor(fileSystem))) return undefined;
  if (!isRoot) return `needs root, or ${fileSystem} in ${placeFor(fileSystem)}`;
  return canMount(fileSystem) ? undefined : `needs a machine that may mount ${fileSystem}`;
}

function placeFor(fileSystem: FileSystem): string {
  return fileSystem === 'tmpfs' && !isRoot ? '/dev/shm' : tmpdir();
}

function isOn(fileSystem: FileSystem, folder: string): boolean {
  const { stdout } = spawnSync('stat', ['-f', '-c', '%T', folder], { encoding: 'utf8' });
  return stdout.trim() === (fileSystem === 'ext4' ? 'ext2/ext3' : 'tmpfs');
}

function canMount(fileSystem: FileSystem): boolean {
  const tmpfs = 'mount -t tmpfs none /mnt';
  const ext4 = `${tmpfs} && truncate -s 9M /mnt/i && mkfs.ext4 -q /mnt/i && mkdir /mnt/m && mount -o loop /mnt/i /mnt/m`;
  const command = `PATH=$PATH:/sbin:/usr/sbin; ${fileSystem === 'ext4' ? ext4 : tmpfs}`;
  return spawnSync('unshare', ['-m', 'bash', '-c', command]).status === 0;
}

/** Every folder on the way to this file, and the program that runs it. */
function othersCanRead(): boolean {
  const folders = (from: string): string[] => (from === dirname(from) ? [from] : [from, ...folders(dirname(from))]);
  accessSync(process.execPath, constants.X_OK);
  return [...folders(import.meta.dirname), ...folders(dirname(process.execPath))].every(
    (folder) => (statSync(folder).mode & 0o5) === 0o5,
  );
}

async function runScenario(fileSystem: FileSystem, who: Who, work: string): Promise<readonly Seen[]> {
  const output = `${work}.json`;
  const node = [process.execPath, '--conditions=@keephold/source', '--disable-warning=ExperimentalWarning'];
  const script = join(import.meta.dirname, '_scenario-process.ts');
  const words = [...(isRoot ? ['unshare', '-m'] : []), ...node, script, fileSystem, who, work, output];
  const [program = '', ...args] = words;
  const path = [process.env['PATH'], '/sbin', '/usr/sbin'].join(delimiter);
  const child = spawn(program, args, {
    env: { ...process.env, PATH: path, NODE_OPTIONS: '' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.on('error', reject).on('close', resolve);
  const code = await promise;
  if (code !== 0) throw new Error(`scenario ended with ${code}: ${stderr}`);
  return JSON.parse(readFileSync(output, 'utf8')) as readonly Seen[];
}
