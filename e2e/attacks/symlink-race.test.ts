/** The real command restores while somebody exchanges its folders for links: nothing outside of the target changes. */
import { spawn, spawnSync } from 'node:child_process';
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { builtCommand } from '../../apps/keephold/tests/_built-command.ts';

let work = '';

beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'kh-race-'));
});
afterEach(() => rmSync(work, { recursive: true, force: true }));

function keephold(...args: readonly string[]): { readonly status: number | null; readonly stdout: string } {
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: join(work, 'home'),
    KEEPHOLD_REPO: join(work, 'repo'),
    KEEPHOLD_PASSWORD: 'race of two programs',
  };
  return spawnSync(process.execPath, [...builtCommand().node, ...args], {
    cwd: work,
    env,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
}

/** Everything of a folder that a restore could change. */
function stateOf(folder: string): string {
  const { mode, uid, gid, mtimeNs, ctimeNs } = lstatSync(folder, { bigint: true });
  const victim = lstatSync(join(folder, 'victim'), { bigint: true });
  // Its ctime and links change when the attacker links it.
  const kept = [victim.mode, victim.uid, victim.gid, victim.mtimeNs, victim.size];
  return [
    mode,
    uid,
    gid,
    mtimeNs,
    ctimeNs,
    ...kept,
    readdirSync(folder),
    readFileSync(join(folder, 'victim'), 'utf8'),
  ].join(' ');
}

test.skipIf(process.platform !== 'linux')('links put in the way lead nowhere', { timeout: 600_000 }, async () => {
  const [source, target, outside] = ['source', 'target', 'outside'].map((name) => join(work, name)) as [
    string,
    string,
    string,
  ];
  for (let d = 0; d < 20; d++) {
    const folder = join(source, `d${d}`, 'e');
    mkdirSync(folder, { recursive: true });
    for (let f = 0; f < 30; f++)
      writeFileSync(join(source, `d${d}`, f % 2 === 0 ? '' : 'e', `f${f}`), `${d} ${f} `.repeat(f * 100));
  }
  mkdirSync(join(work, 'home'));
  mkdirSync(outside);
  writeFileSync(join(outside, 'victim'), 'keep me', { mode: 0o600 });
  expect(keephold('init', '--trusted').status).toBe(0);
  expect(keephold('backup', source).status).toBe(0);
  const before = stateOf(outside);
  mkdirSync(target);
  const attacker = spawn(process.execPath, [join(import.meta.dirname, '_swap-process.ts'), target, outside], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let swaps = 0;
  attacker.stdout.setEncoding('utf8').on('data', (text: string) => (swaps = Number(text.trim().split('\n').at(-1))));
  const seen = { restored: 0, refused: 0 };
  try {
    for (let round = 0; round < 12 && (round < 2 || swaps < 40); round++) {
      const options = round % 2 === 0 ? ['--overwrite', 'always'] : ['--delete'];
      const { status, stdout } = await restoring([
        'restore',
        `latest:${source}`,
        '--target',
        target,
        '--json',
        ...options,
      ]);
      expect([0, 1, 3]).toContain(status);
      for (const line of stdout.split('\n')) {
        if (line.includes('"outcome":"restored"')) seen.restored++;
        if (line.includes('"outcome":"failed"')) seen.refused++;
      }
      expect(stateOf(outside)).toBe(before);
    }
  } finally {
    attacker.kill('SIGKILL');
  }
  expect(swaps).toBeGreaterThan(9);
  expect(seen.restored).toBeGreaterThan(0);
  // Without anybody in the way it is all made good.
  expect(keephold('restore', `latest:${source}`, '--target', target, '--delete', '--overwrite', 'always').status).toBe(
    0,
  );
  expect(spawnSync('diff', ['-r', source, target]).status).toBe(0);
  expect(stateOf(outside)).toBe(before);
});

/** As keephold, while this process goes on listening to the attacker. */
async function restoring(
  args: readonly string[],
): Promise<{ readonly status: number | null; readonly stdout: string }> {
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: join(work, 'home'),
    KEEPHOLD_REPO: join(work, 'repo'),
    KEEPHOLD_PASSWORD: 'race of two programs',
  };
  const child = spawn(process.execPath, [...builtCommand().node, ...args], {
    cwd: work,
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.on('error', reject).on('close', resolve);
  return { status: await promise, stdout };
}
