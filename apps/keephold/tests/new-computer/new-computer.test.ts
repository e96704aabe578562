/** A new computer in place of an old one: what comes back and in which order, and what the next backup stores. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cheapCommandsIn, firstRecord } from '../server/_commands.ts';

type Line = Readonly<Record<string, unknown>>;

const linesOf = (text: string): readonly Line[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);

/** Of a backup. */
function storedBy(text: string): number {
  const report = linesOf(text).find((line) => 'bytesStored' in line);
  return Number(report?.['bytesStored']);
}

describe.each(['a folder', 'a server'])('a new computer, from %s', (kind) => {
  let place = '';
  let stop: () => Promise<void> = async () => undefined;
  let repo: readonly [string, string] = ['--repo', ''];
  let first: readonly string[] = [];
  const computer = (name: string): ReturnType<typeof cheapCommandsIn> => cheapCommandsIn(join(place, name));

  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), 'keephold-new-computer-'));
    if (kind === 'a folder') {
      repo = ['--repo', join(place, 'repo')];
      return;
    }
    const server = computer('host').start('serve', '--json', '--data', join(place, 'srv'), '--listen', '127.0.0.1:0');
    const { url, invitation } = await firstRecord(server);
    repo = ['--repo', String(url)];
    first = ['--invitation', String(invitation), '--account', 'ann'];
    stop = async () => {
      server.kill('SIGTERM');
      await once(server, 'close');
    };
  });

  afterAll(async () => {
    await stop();
    await rm(place, { recursive: true, force: true });
  });

  it('is usable first, goes on where it was killed, and takes over only when told to', {
    timeout: 240_000,
  }, async () => {
    const me = join(place, 'me');
    for (const folder of ['Documents', 'Pictures']) await mkdir(join(me, folder), { recursive: true });
    const films = Array.from({ length: 12 }, (_, at) => `film-${at}`);
    for (const film of films) await writeFile(join(me, 'Pictures', film), randomBytes(1 << 20));
    await writeFile(join(me, 'Documents', 'letter'), 'dear reader');
    await writeFile(join(me, '.profile'), 'export A=b');
    const old = computer('old');
    await old.run('init', ...repo, ...first);
    const before = storedBy(await old.run('backup', '--json', ...repo, me));
    expect(before).toBeGreaterThan(12 << 20);
    const [device] = linesOf(await old.run('device', 'list', '--json', ...repo));
    const id = String(device?.['id']);

    const fresh = computer('new');
    if (kind === 'a server') await fresh.run('login', repo[1], '--account', 'ann', '--backup-only');
    const target = join(place, 'out');
    const args = ['restore', '--json', ...repo, '--device', id.slice(0, 8), '--target', target];
    const killed = fresh.start(...args);
    killed.stdout?.on('data', (chunk: Buffer) => {
      if (chunk.includes('"usable"')) killed.kill('SIGKILL');
    });
    await once(killed, 'close');
    const there = join(target, me);
    expect(await readFile(join(there, 'Documents', 'letter'), 'utf8')).toBe('dear reader');

    const told = linesOf(await fresh.run(...args));
    const items = told.filter(({ type }) => type === 'item').map(({ path }) => String(path));
    expect(new Set(items).size).toBe(items.length);
    const whole = (await readdir(target, { recursive: true })).filter((path) => join('/', path).startsWith(me));
    expect(items.filter((path) => join('/', path).startsWith(me)).toSorted()).toEqual(whole.toSorted());
    const usable = told.findIndex(({ type }) => type === 'usable');
    const turn = (name: string): number => told.findIndex(({ path }) => String(path).endsWith(name)) - usable;
    expect([turn('/letter'), turn('/.profile')].every((at) => at < 0)).toBe(true);
    expect(turn('/film-0')).toBeGreaterThan(0);
    for (const film of films) {
      const stored = await readFile(join(there, 'Pictures', film));
      expect(stored.equals(await readFile(join(me, 'Pictures', film)))).toBe(true);
    }

    // Nothing changed hands: not asked for.
    await old.run('backup', ...repo, me);
    await fresh.run(...args, '--adopt');
    const after = storedBy(await fresh.run('backup', '--json', ...repo, there));
    expect(after).toBeLessThan(before / 100);
    await expect(old.run('backup', ...repo, me)).rejects.toThrow(/may no longer write|may have been revoked/);
    await fresh.run('restore', ...repo, 'latest', '--target', join(place, 'again'));
    await expect(fresh.run('restore', ...repo, '--device', 'nobody', '--target', target)).rejects.toThrow(/nobody/);
    // Taking over again changes nothing.
    await fresh.run(...args, '--adopt');
  });
});
