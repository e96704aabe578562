/** Plans by the command: made, edited, followed by a backup. One home for all, since each test goes on from the one before. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { commandsIn } from '../server/_commands.ts';

const place = mkdtempSync(join(tmpdir(), 'keephold-plans-'));
afterAll(() => rmSync(place, { recursive: true, force: true }));
const home = join(place, 'home');
const repository = join(place, 'repository');
const keephold = commandsIn(home, undefined, {
  NODE_OPTIONS: `--import=${join(import.meta.dirname, '../_cheap-argon2-process.ts')}`,
});
const put = (path: string): void => {
  mkdirSync(join(home, path, '..'), { recursive: true });
  writeFileSync(join(home, path), path);
};

test('a plan without folders backs up the home folder, and no caches', async () => {
  for (const path of ['letter.txt', '.cache/page', 'code/node_modules/left/pad.js', 'code/main.js']) put(path);
  await keephold.run('init', '--repo', repository);
  await keephold.run('plan', 'add', 'home', '--repo', repository, '--exclude', '*.iso');
  put('image.iso');
  await keephold.run('backup', '--plan', 'home');
  const names = (await keephold.run('ls', '--repo', repository, '-r', 'latest')).split('\n');
  const has = (path: string): boolean => names.some((line) => line.endsWith(join(home, path)));
  expect(['letter.txt', 'code/main.js', '.cache/page', 'code/node_modules/left/pad.js', 'image.iso'].map(has)).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});

test('edit changes what is given and nothing else', async () => {
  await keephold.run('plan', 'edit', 'home', join(home, 'code'));
  const { plans } = JSON.parse(readFileSync(join(home, 'config/keephold/plans.json'), 'utf8')) as { plans: unknown[] };
  const shown = JSON.parse(await keephold.run('plan', 'show', 'home', '--json')) as Record<string, unknown>;
  expect(plans).toEqual([
    {
      name: 'home',
      repository,
      folders: [join(home, 'code')],
      excludes: expect.arrayContaining(['*.iso', '/.cache/']) as unknown,
    },
  ]);
  expect(shown).toMatchObject({ type: 'plan', name: 'home', folders: [join(home, 'code')] });
});

test('conditions are set one by one, shown in words, and told whether they hold now', async () => {
  expect(await keephold.run('plan', 'show', 'home')).toContain('when      on mains, or on battery above 40%\n');
  await keephold.run('plan', 'edit', 'home', '--on-mains', '--wifi', 'Home', '--wifi', 'Office');
  await keephold.run('plan', 'edit', 'home', '--between', '22:00-06:00');
  const text = await keephold.run('plan', 'show', 'home');
  expect(text).toContain('when      on mains\n');
  expect(text).toContain('when      by cable, or on the Wi-Fi "Home" or "Office"\n');
  expect(text).toContain('when      between 22:00-06:00\n');
  expect(text).toMatch(/ {2}now {7}(could run by itself|would not run by itself: \S)/);
  await expect(keephold.run('plan', 'edit', 'home', '--on-mains', '--battery-above', '40%')).rejects.toThrow('exclude');
  await expect(keephold.run('plan', 'show', 'home', '--idle')).rejects.toThrow('exit code 2');

  await keephold.run('plan', 'edit', 'home', '--no-conditions');
  const free = JSON.parse(await keephold.run('plan', 'show', 'home', '--json')) as Record<string, unknown>;
  expect(free).toMatchObject({ conditions: {}, blockers: [] });
});

test('a second plan of the same name, and one that is not there, are refused', async () => {
  await expect(keephold.run('plan', 'add', 'home', '--repo', repository)).rejects.toThrow('exit code 2');
  await expect(keephold.run('backup', '--plan', 'other')).rejects.toThrow('there is no plan "other"');
  await expect(keephold.run('backup', '--plan', 'home', home)).rejects.toThrow('exit code 2');
});

test('remove takes the plan and leaves what it backed up', async () => {
  await keephold.run('plan', 'remove', 'home');
  expect(await keephold.run('plan', 'list', '--json')).toBe('');
  expect(await keephold.run('snapshots', '--repo', repository, '--json')).toContain('"type":"snapshot"');
});
