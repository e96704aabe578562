/** Devices by commands: who is there, and what a revoked one still can. On a server and in a folder alike. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { commandsIn, firstRecord, outputOf } from './_commands.ts';

const PASSWORD = 'plover tangent ochre lagoon';

interface Listed {
  readonly id: string;
  readonly revoked: boolean;
  readonly thisDevice: boolean;
  readonly lastBackup: string | null;
  readonly name: string | null;
}

async function devices(computer: ReturnType<typeof commandsIn>, repo: readonly string[]): Promise<readonly Listed[]> {
  return (await computer.run('device', 'list', '--json', ...repo))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Listed);
}

it('revokes a stolen device at once, and the others go on under new keys by themselves', {
  timeout: 240_000,
}, async () => {
  const home = await mkdtemp(join(tmpdir(), 'keephold-device-'));
  const server = commandsIn(home).start('serve', '--json', '--data', join(home, 'srv'), '--listen', '127.0.0.1:0');
  const { url, invitation } = await firstRecord(server);
  const repo = ['--repo', String(url)];
  const source = join(home, 'documents');
  await mkdir(source);
  await writeFile(join(source, 'letter'), 'dear reader');
  const [own, lost, quiet] = ['own', 'lost', 'quiet'].map((name) => commandsIn(join(home, name), PASSWORD));
  await own!.run('init', ...repo, '--invitation', String(invitation), '--account', 'ann', '--trusted');
  await lost!.run('login', String(url), '--account', 'ann');
  await quiet!.run('login', String(url), '--account', 'ann', '--backup-only');
  await lost!.run('backup', ...repo, source);
  const before = await devices(own!, repo);
  expect(before.map(({ lastBackup }) => lastBackup !== null)).toEqual([false, true, false]);
  expect(before.every(({ name }) => name !== null && name !== '')).toBe(true);

  // What another device says of it is read anew from the keychain, whatever that device knew before.
  await own!.run('device', 'rename', ...repo, before[1]?.id.slice(0, 12) ?? '', 'the one on the train');
  expect((await devices(quiet!, repo)).map(({ name }) => name)).toEqual([
    before[0]?.name,
    'the one on the train',
    before[2]?.name,
  ]);

  await own!.run('device', 'revoke', ...repo, 'the one on the train');
  const without = (name: string): ReturnType<typeof commandsIn> => commandsIn(join(home, name), '');
  for (const verb of [
    ['backup', source],
    ['ls', 'latest'],
  ]) {
    await expect(without('lost').run(verb[0] ?? '', ...repo, ...verb.slice(1))).rejects.toThrow('needs a session');
  }
  await writeFile(join(source, 'letter'), 'dear nobody else');
  await without('quiet').run('backup', ...repo, source);
  expect(await without('own').run('cat', ...repo, `latest:${source}/letter`)).toBe('dear nobody else');
  expect(await without('own').run('cat', ...repo, `#1:${source}/letter`)).toBe('dear reader');
  await without('own').run('backup', ...repo, source);
  expect(await without('own').run('check', ...repo, '--read-data')).toContain('no problem found');
  const after = await devices(without('own'), repo);
  expect(after.map(({ revoked, name }) => [revoked, name])).toEqual([
    [false, null],
    [true, null],
    [false, null],
  ]);
  await expect(own!.run('device', 'revoke', ...repo, after[0]?.id ?? '')).rejects.toThrow('the device you are at');

  const log = (await without('own').run('device', 'log', '--json', ...repo)).trim().split('\n');
  const events = log.map((line) => JSON.parse(line) as { readonly event: string; readonly what: string | null });
  expect(events[0]).toMatchObject({ event: 'signed-up' });
  expect(events.map(({ what }) => what).filter((what) => what !== null)).toEqual([
    'add-device',
    'add-device',
    'rename-device',
    'revoke-device',
    'rotate-epoch',
  ]);

  // Found again, it is a new device.
  await lost!.run('login', String(url), '--account', 'ann');
  expect(await without('lost').run('cat', ...repo, `latest:${source}/letter`)).toBe('dear nobody else');
  server.kill('SIGTERM');
  await new Promise((resolve) => server.once('close', resolve));
  await rm(home, { recursive: true, force: true });
});

it('renames and revokes a device of a repository in a folder', { timeout: 120_000 }, async () => {
  const home = await mkdtemp(join(tmpdir(), 'keephold-device-'));
  const source = join(home, 'documents');
  await mkdir(source);
  await writeFile(join(source, 'letter'), 'dear reader');
  const repo = ['--repo', join(home, 'repo')];
  const [own, other] = ['own', 'other'].map((name) => commandsIn(join(home, name), PASSWORD));
  await own!.run('init', ...repo);
  await other!.run('backup', ...repo, source);
  const [, second] = await devices(own!, repo);
  await own!.run('device', 'rename', ...repo, second?.id ?? '', 'on the train');
  await own!.run('device', 'rename', ...repo, 'on the train', 'lost again');
  await expect(own!.run('device', 'rename', ...repo, 'on the train', 'x')).rejects.toThrow('no device has');
  await expect(own!.run('device', 'rename', ...repo, 'lost again', ' ')).rejects.toThrow('1 to 255 characters');
  expect((await devices(other!, repo))[1]?.name).toBe('lost again');
  await own!.run('device', 'revoke', ...repo, 'lost again');
  await expect(other!.run('backup', ...repo, source)).rejects.toThrow('may no longer write');
  await commandsIn(join(home, 'own'), '').run('backup', ...repo, source);
  expect(await own!.run('check', ...repo, '--read-data')).toContain('no problem found');
  await rm(home, { recursive: true, force: true });
});

it('adds a device by ticket that never sees the password, and no ticket twice', { timeout: 240_000 }, async () => {
  const home = await mkdtemp(join(tmpdir(), 'keephold-device-'));
  const server = commandsIn(home).start('serve', '--json', '--data', join(home, 'srv'), '--listen', '127.0.0.1:0');
  const { url, invitation } = await firstRecord(server);
  const repo = ['--repo', String(url)];
  const source = join(home, 'documents');
  await mkdir(source);
  await writeFile(join(source, 'letter'), 'dear reader');
  const own = commandsIn(join(home, 'own'), PASSWORD);
  await own.run('init', ...repo, '--invitation', String(invitation), '--account', 'ann');
  await own.run('backup', ...repo, source);
  for (const [name, ...options] of [['attic'], ['desk', '--trusted']]) {
    const inviting = own.start('device', 'invite', '--json', ...repo, ...options);
    const added = outputOf(inviting);
    const { ticket } = await firstRecord(inviting);
    const device = commandsIn(join(home, String(name)), '');
    await device.run('device', 'join', ...repo, String(ticket));
    expect(await added).toContain('"device-added"');
    await expect(commandsIn(join(home, 'thief'), '').run('device', 'join', ...repo, String(ticket))).rejects.toThrow(
      'the ticket is not good',
    );
    await device.run('backup', ...repo, source);
    const reading = device.run('cat', ...repo, `latest:${source}/letter`);
    if (name === 'desk') expect(await reading).toBe('dear reader');
    else await expect(reading).rejects.toThrow(/exit code 2: .*password/);
  }
  // With the password, which the device was never told, its owner reads there too.
  expect(await commandsIn(join(home, 'attic'), PASSWORD).run('cat', ...repo, `latest:${source}/letter`)).toBe(
    'dear reader',
  );
  expect((await devices(own, repo)).map(({ revoked }) => revoked)).toEqual([false, false, false]);
  server.kill('SIGTERM');
  await new Promise((resolve) => server.once('close', resolve));
  await rm(home, { recursive: true, force: true });
});
