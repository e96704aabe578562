/** Accounts by commands alone: two people on one server, new computers, and what only the password may do. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { commandsIn, firstRecord } from './_commands.ts';

const PASSWORD = 'plover tangent ochre lagoon';

interface Place extends AsyncDisposable {
  readonly url: string;
  readonly repo: readonly [string, string];
  readonly home: string;
  readonly source: string;
  /** Another computer. */
  readonly computer: (name: string, password?: string) => ReturnType<typeof commandsIn>;
  readonly invitation: string;
}

async function place(...options: readonly string[]): Promise<Place> {
  const home = await mkdtemp(join(tmpdir(), 'keephold-login-'));
  const server = commandsIn(home).start(
    'serve',
    '--json',
    '--data',
    join(home, 'srv'),
    '--listen',
    '127.0.0.1:0',
    ...options,
  );
  const { url, invitation } = await firstRecord(server);
  const source = join(home, 'documents');
  await mkdir(source);
  await writeFile(join(source, 'letter'), 'dear reader');
  return {
    url: String(url),
    repo: ['--repo', String(url)],
    home,
    source,
    computer: (name, password = PASSWORD) => commandsIn(join(home, name), password),
    invitation: String(invitation),
    [Symbol.asyncDispose]: async () => {
      server.kill('SIGTERM');
      await new Promise((resolve) => server.once('close', resolve));
      await rm(home, { recursive: true, force: true });
    },
  };
}

it('brings an account to new computers by password or words, each as far as it may go', {
  timeout: 240_000,
}, async () => {
  await using at = await place();
  const { repo, url, source } = at;
  const first = at.computer('first');
  const made = await first.run(
    'init',
    '--json',
    ...repo,
    '--invitation',
    at.invitation,
    '--account',
    'Ann',
    '--trusted',
  );
  const { wordsFile } = JSON.parse(made) as { readonly wordsFile: string };
  await first.run('backup', ...repo, source);

  const second = at.computer('second');
  await expect(second.run('ls', ...repo, 'latest')).rejects.toThrow(/exit code 10: .*not signed in/);
  await expect(
    at.computer('second', 'another password entirely').run('login', url, '--account', 'ann'),
  ).rejects.toThrow('exit code 12');
  await second.run('login', url, '--account', 'ann');
  await expect(second.run('login', url, '--account', 'ann')).rejects.toThrow(/signed in at .* already/);
  const withoutPassword = at.computer('second', '');
  expect(await withoutPassword.run('ls', ...repo, `latest:${source}`)).toContain('letter');
  await withoutPassword.run('restore', ...repo, 'latest', '--target', join(at.home, 'out'));
  expect(await readFile(join(at.home, 'out', source, 'letter'), 'utf8')).toBe('dear reader');

  expect(await withoutPassword.run('account', 'sessions', ...repo)).toMatch(
    /ID +Since +By +From.*\n─.*\n\w{8} .* password /,
  );
  await expect(withoutPassword.run('account', 'end', 'all', ...repo)).rejects.toThrow(/exit code 2: .*password/);
  expect(await second.run('account', 'end', 'all', ...repo)).toMatch(/^ended \d+ sessions?$/m);

  const words = await wordsIn(wordsFile);
  const third = at.computer('third', words);
  await third.run('login', url, '--backup-only');
  await at.computer('third', '').run('backup', ...repo, source);
  await expect(at.computer('third', '').run('ls', ...repo, 'latest')).rejects.toThrow(/exit code 2: .*password/);
  expect(await third.run('cat', ...repo, `latest:${source}/letter`)).toBe('dear reader');
  expect(await third.run('check', ...repo, '--read-data')).toContain('no problem found');

  // What the server keeps is enough without it: the folder and the words.
  const [kept = ''] = await readdir(join(at.home, 'srv', 'accounts'));
  const folder = ['--repo', join(at.home, 'srv', 'accounts', kept)];
  expect(await at.computer('alone', words).run('cat', ...folder, `latest:${source}/letter`)).toBe('dear reader');
});

it('keeps two people apart on one server, and takes the second only as it says', { timeout: 240_000 }, async () => {
  await using at = await place('--open-sign-up');
  const [ann, bob] = [at.computer('ann'), at.computer('bob', 'quarry mitten delta forum')];
  await ann.run('init', ...at.repo, '--invitation', at.invitation, '--account', 'ann', '--trusted');
  await ann.run('backup', ...at.repo, at.source);
  await expect(bob.run('init', ...at.repo, '--account', 'ANN', '--trusted')).rejects.toThrow('the name cannot be had');
  await bob.run('init', ...at.repo, '--account', 'bob', '--trusted');
  const snapshots = async (who: typeof ann): Promise<number> =>
    (await who.run('snapshots', '--json', ...at.repo)).split('\n').filter((line) => line.includes('"snapshot"')).length;
  expect([await snapshots(ann), await snapshots(bob)]).toEqual([1, 0]);
});

it('lets the admin invite and count, and nobody else', { timeout: 240_000 }, async () => {
  await using at = await place();
  const [ann, bob] = [at.computer('ann'), at.computer('bob', 'quarry mitten delta forum')];
  await ann.run('init', ...at.repo, '--invitation', at.invitation, '--account', 'ann', '--trusted');
  await ann.run('backup', ...at.repo, at.source);
  await expect(bob.run('init', ...at.repo, '--account', 'bob')).rejects.toThrow('the invitation is not good');
  const { code } = JSON.parse(await ann.run('admin', 'invite', '--json', ...at.repo)) as { readonly code: string };
  expect(await ann.run('admin', 'invitations', ...at.repo)).toMatch(/ID +Made +Good until\n─.*\n\w{8} [^\n]*\n$/);
  await expect(ann.run('admin', 'withdraw', 'not-one', ...at.repo)).rejects.toThrow(
    /exit code 1: .*no open invitation/,
  );
  await bob.run('init', ...at.repo, '--invitation', code, '--account', 'bob');
  await expect(at.computer('carl').run('init', ...at.repo, '--invitation', code)).rejects.toThrow('exit code 1');
  const users = (await ann.run('admin', 'users', '--json', ...at.repo))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(users).toMatchObject([
    { name: 'ann', isAdmin: true, devices: 1, snapshots: 1 },
    { name: 'bob', isAdmin: false, devices: 1, snapshots: 0, lastBackup: null },
  ]);
  expect(await ann.run('admin', 'usage', ...at.repo)).toContain('2 accounts, 2 devices, 1 snapshot');
  for (const act of ['invite', 'users', 'usage']) {
    await expect(bob.run('admin', act, ...at.repo)).rejects.toThrow('only an admin');
  }
  await expect(at.computer('ann', '').run('admin', 'users', ...at.repo)).rejects.toThrow(/exit code 2: .*password/);
});

it('deletes and changes the ways in with the password, and nothing without it', { timeout: 240_000 }, async () => {
  await using at = await place();
  const { repo, source, url } = at;
  const { run } = at.computer('first');
  const without = at.computer('first', '');
  await run('init', ...repo, '--invitation', at.invitation, '--account', 'ann');
  await run('backup', ...repo, source);
  await writeFile(join(source, 'letter'), 'dear all');
  await run('backup', ...repo, source);

  for (const args of [
    ['forget', ...repo, '#1'],
    ['gc', ...repo],
    ['keys', 'list', ...repo],
  ]) {
    await expect(without.run(...args), args[0]).rejects.toThrow(/exit code 2: .*password/);
  }
  expect(await run('forget', ...repo, '#1')).toContain('forgot 1 snapshot');
  expect(await run('gc', ...repo)).toContain('expired 0 snapshots');
  await expect(run('gc', ...repo, '--trash-days', '0')).rejects.toThrow(/exit code 2: .*before the delays/);
  expect(await run('check', ...repo, '--read-data')).toContain('no problem found');
  await without.run('forget', ...repo, '--undo');

  const next = join(at.home, 'next-password');
  await writeFile(next, 'ferry cobalt window thirty\n', { mode: 0o600 });
  await run('keys', 'password', ...repo, '--new-password-file', next);
  const elsewhere = at.computer('elsewhere');
  await expect(elsewhere.run('login', url, '--account', 'ann')).rejects.toThrow('exit code 12');
  const changed = at.computer('elsewhere', 'ferry cobalt window thirty');
  await changed.run('login', url, '--account', 'ann');

  const added = await changed.run('keys', 'add', 'words', '--json', ...repo);
  const { wordsFile } = JSON.parse(added) as { readonly wordsFile: string };
  const old = (await changed.run('keys', 'list', '--json', ...repo))
    .split('\n')
    .find((line) => line.includes('"words"')) as string;
  await changed.run('keys', 'remove', ...repo, (JSON.parse(old) as { readonly id: string }).id);
  const words = await wordsIn(wordsFile);
  await at.computer('last', words).run('login', url);
  const file = join(at.home, 'words');
  await writeFile(file, words);
  expect(await changed.run('keys', 'words', ...repo, '--words-file', file)).toContain('the words work');
});

it('stops deletion for any device, and lets it go on for the owner alone', { timeout: 240_000 }, async () => {
  await using at = await place();
  const { repo, source } = at;
  const { run } = at.computer('first');
  const without = at.computer('first', '');
  await run('init', ...repo, '--invitation', at.invitation, '--account', 'ann');
  await run('backup', ...repo, source);
  expect(await without.run('hold', 'set', ...repo)).toContain('deletion is stopped by the device');
  await expect(without.run('hold', 'release', ...repo)).rejects.toThrow(/exit code 2: .*password/);
  await expect(run('gc', ...repo)).rejects.toThrow(/exit code 3: .*deletion is stopped/);
  expect(JSON.parse(await without.run('hold', '--json', ...repo))).toMatchObject({ type: 'hold', held: true });
  expect(await run('hold', 'release', ...repo)).toContain('deletion goes on');
  expect(await run('gc', ...repo)).toContain('expired 0 snapshots');
});

async function wordsIn(file: string): Promise<string> {
  const numbered = [...(await readFile(file, 'utf8')).matchAll(/(\d{1,2})\. (\w+)/g)];
  return numbered
    .toSorted(([, a], [, b]) => Number(a) - Number(b))
    .map(([, , word]) => word)
    .join(' ');
}
