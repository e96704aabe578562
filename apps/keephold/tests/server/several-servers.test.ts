/** Servers that share a database and a storage, by commands alone: one is killed, the database crashes, nothing is lost. */
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasPostgres, type PostgresCluster, postgresNote, startPostgres, testStore } from '@keephold/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Commands, commandsIn, firstRecord, outputOf } from './_commands.ts';
import { createSwitch } from './_switch.ts';

const FILES = 6;
const FILE_LENGTH = 8_000_000;
const SECRET = 'kestrel-umbra-41';

describe.skipIf(!hasPostgres)(`servers that share PostgreSQL${postgresNote}`, () => {
  let cluster: PostgresCluster;
  let home: string;
  let commands: Commands;
  let running: ChildProcess[];
  /** All that servers have said. */
  let said: string;
  /** Resolves when a server has stored a pack: others are on their way then. */
  let packStored: PromiseWithResolvers<void>;

  beforeAll(async () => {
    cluster = await startPostgres();
  }, 60_000);
  afterAll(async () => await cluster[Symbol.asyncDispose]());
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'keephold-several-'));
    [running, said, packStored] = [[], '', Promise.withResolvers()];
    const url = new URL(await cluster.newDatabase());
    url.password = SECRET;
    await writeFile(join(home, 'database'), `${url.href}\n`, { mode: 0o600 });
    commands = commandsIn(home, undefined, { KEEPHOLD_DATABASE_FILE: join(home, 'database'), ...storageVariables() });
    await mkdir(join(home, 'source'));
    for (let index = 0; index < FILES; index++) {
      await writeFile(join(home, 'source', `${index}`), randomBytes(FILE_LENGTH));
    }
  });
  afterEach(async () => {
    for (const server of running) server.kill('SIGKILL');
    await rm(home, { recursive: true, force: true });
  });

  const serve = async (): Promise<{
    readonly server: ChildProcess;
    readonly url: string;
    readonly invitation: string;
  }> => {
    const data = join(home, 'srv');
    const server = commands.start('serve', '--json', '--data', data, '--listen', '127.0.0.1:0');
    running.push(server);
    for (const stream of [server.stdout, server.stderr]) {
      stream?.on('data', (text: Buffer) => {
        said += text.toString();
        if (said.includes('/packs/:pack')) packStored.resolve();
      });
    }
    const { url, invitation } = await firstRecord(server);
    return { server, url: String(url), invitation: String(invitation) };
  };

  const expectAll = async (repo: readonly string[]): Promise<void> => {
    const { run } = commands;
    await run('check', ...repo, '--read-data');
    const target = join(home, 'target');
    await run('restore', ...repo, 'latest', '--target', target);
    for (let index = 0; index < FILES; index++) {
      const path = join(home, 'source', `${index}`);
      expect((await readFile(path)).equals(await readFile(join(target, path)))).toBe(true);
    }
    expect(said).not.toContain(SECRET);
    if (testStore !== undefined) expect(said).not.toContain(testStore.password);
  };

  it('go on with the backups of one that is killed', { timeout: 400_000 }, async () => {
    const first = await serve();
    const second = await serve();
    await using address = await createSwitch(first.url);
    const repo = ['--repo', address.url];
    await commands.run('init', ...repo, '--invitation', first.invitation, '--trusted');
    const backup = outputOf(commands.start('backup', ...repo, join(home, 'source')));
    await packStored.promise;
    first.server.kill('SIGKILL');
    address.to(second.url);
    await backup;
    await expectAll(repo);
    second.server.kill('SIGTERM');
    expect(await once(second.server, 'close')).toEqual([0, null]);
  });

  it('lose nothing when the database crashes during a backup and starts again', { timeout: 400_000 }, async () => {
    const { url, invitation } = await serve();
    const repo = ['--repo', url];
    await commands.run('init', ...repo, '--invitation', invitation, '--trusted');
    const backup = outputOf(commands.start('backup', ...repo, join(home, 'source')));
    await packStored.promise;
    await cluster.stop('immediate');
    await cluster.start();
    await backup;
    await expectAll(repo);
  });
});

/** A real bucket where there is one; else folders. */
function storageVariables(): Readonly<Record<string, string>> {
  if (testStore === undefined) return {};
  const { host, pathname, username, password } = testStore;
  const prefix = `test-${randomBytes(8).toString('hex')}`;
  return {
    KEEPHOLD_STORAGE: `s3://${host}${pathname}/${prefix}?tls=no`,
    AWS_ACCESS_KEY_ID: username,
    AWS_SECRET_ACCESS_KEY: password,
  };
}

describe('keephold serve', () => {
  it('only collects where it is told to, and ends when it is told to', async () => {
    const place = await mkdtemp(join(tmpdir(), 'keephold-serve-'));
    const server = commandsIn(place).start('serve', '--data', join(place, 'srv'), '--collect', 'only');
    const [said] = (await once(server.stdout!, 'data')) as [Buffer];
    expect(said.toString()).toBe('collecting\n');
    server.kill('SIGTERM');
    expect(await once(server, 'close')).toEqual([0, null]);
    await rm(place, { recursive: true, force: true });
  });

  it.each([
    ['--database', `postgres://keephold:${SECRET}@127.0.0.1/keephold`, /argument list/],
    ['--storage', `s3://key:${SECRET}@127.0.0.1/bucket`, /argument list/],
    ['--database', `mysql://keephold:${SECRET}@127.0.0.1/keephold`, /is no address of a database/],
    ['--storage', `s3://127.0.0.1/bucket`, /needs keys/],
    ['--storage', `s3://key:${SECRET}@127.0.0.1`, /argument list/],
    ['--smtp', `smtp://ann:${SECRET}@mail.example.org`, /argument list/],
    ['--smtp', 'smtp://mail.example.org', /--mail-from/],
    ['--webhook', 'https://hook.example.org/', /needs a secret/],
    ['--ntfy', 'ftp://ntfy.example.org/topic', /is no address of a topic/],
    ['--trust-proxy', '0.0.0.0/0', /is no address of a proxy/],
  ])('refuses %s %s without repeating it', async (option, value, says) => {
    const place = await mkdtemp(join(tmpdir(), 'keephold-serve-'));
    const { run } = commandsIn(place);
    const error = await run('serve', '--data', join(place, 'srv'), option, value).then(String, String);
    expect(error).toMatch(/exit code 2/);
    expect(error).toMatch(says);
    expect(error).not.toContain(SECRET);
    await rm(place, { recursive: true, force: true });
  });
});
