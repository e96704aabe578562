/**
 * The second site restores by itself: with the server killed and all of its data gone, by the 24 words alone. However
 * many processes copy at once, and wherever one is killed, what is there in the end is whole.
 */
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { watch } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FolderBackend, S3Backend } from '@keephold/backend';
import { toHex } from '@keephold/bytes';
import { openKeeper, openRepositoryFolder, replicaOf, VaultQueue } from '@keephold/custody';
import { openPostgres, type SqlDatabase, SqliteDatabase } from '@keephold/custody/sql';
import { OpenAccounts, type ReplicationOutcome, startReplicator } from '@keephold/server';
import {
  createAccountFixture,
  createPack,
  emptied,
  hasPostgres,
  postgresNote,
  s3Note,
  s3Options,
  startPostgres,
  storeSnapshot,
  testStore,
} from '@keephold/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Commands, commandsIn, firstRecord } from './_commands.ts';

interface Site {
  readonly place: string;
  readonly variables: Readonly<Record<string, string>>;
}

describe('a second site', () => {
  let home: string;
  let servers: ChildProcess[];
  let bucket: S3Backend | undefined;

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'keephold-site-'));
    [servers, bucket] = [[], undefined];
    await mkdir(join(home, 'source'));
    await writeFile(join(home, 'source', 'photo'), randomBytes(3_000_000));
    await writeFile(join(home, 'source', 'letter'), 'dear all');
  });
  afterEach(async () => {
    for (const server of servers) server.kill('SIGKILL');
    await rm(home, { recursive: true, force: true });
    if (bucket !== undefined) await emptied(bucket);
  });

  const siteOf = (kind: 'a folder' | 'S3'): Site => {
    if (kind === 'a folder') return { place: join(home, 'site'), variables: {} };
    const options = s3Options();
    bucket = new S3Backend(options);
    const { endpoint, prefix, accessKeyId, secretAccessKey } = options;
    const place = `s3://${endpoint.host}/${options.bucket}/${prefix}?tls=no`;
    return { place, variables: { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } };
  };

  /** Makes an account with one snapshot; answers its words. */
  const signUp = async (
    { run }: Commands,
    url: string,
    { invitation, name }: { readonly invitation: string; readonly name: string },
  ): Promise<string> => {
    await run('init', '--repo', url, '--invitation', invitation, '--account', name, '--trusted');
    await run('backup', '--repo', url, join(home, 'source'));
    const files = await readdir(join(home, name), { recursive: true });
    return join(home, name, files.find((file) => file.endsWith('recovery-words.txt')) ?? 'none');
  };

  const untilCopied = async (url: string): Promise<void> => {
    for (;;) {
      const { replica } = (await (await fetch(`${url}/health`)).json()) as { replica?: { vaults: number } };
      if (replica?.vaults === 0) return;
      await sleep(100);
    }
  };

  const expectRestores = async (kind: 'a folder' | 'S3'): Promise<void> => {
    const site = siteOf(kind);
    const atServer = commandsIn(join(home, 'server'), undefined, site.variables);
    const data = join(home, 'srv');
    const server = atServer.start(
      ...['serve', '--json', '--data', data, '--listen', '127.0.0.1:0', '--replicate', site.place],
    );
    servers.push(server);
    const { url, invitation } = await firstRecord(server);
    const ann = commandsIn(join(home, 'ann'));
    const words = await signUp(ann, String(url), { invitation: String(invitation), name: 'ann' });
    const asked = await ann.run('admin', 'invite', '--repo', String(url), '--json');
    const { code } = JSON.parse(asked.split('\n')[0] ?? '') as { code: string };
    const bob = commandsIn(join(home, 'bob'));
    await signUp(bob, String(url), { invitation: code, name: 'bob' });
    await untilCopied(String(url));

    server.kill('SIGKILL');
    await once(server, 'close');
    await expectWhole(site, words);
  };

  /** By whoever has nothing but the place and the words. */
  const expectWhole = async (site: Site, words: string): Promise<void> => {
    for (const gone of ['srv', 'server']) await rm(join(home, gone), { recursive: true, force: true });
    const blank = commandsIn(join(home, 'blank'), '', { ...site.variables, KEEPHOLD_PASSWORD_FILE: words });
    const repo = ['--repo', site.place];
    expect(await blank.run('snapshots', ...repo)).toContain('source');
    expect(await blank.run('ls', ...repo, 'latest')).toContain('letter');
    await blank.run('check', ...repo, '--read-data');
    await blank.run('restore', ...repo, 'latest', '--target', join(home, 'target'));
    for (const file of ['photo', 'letter']) {
      const path = join(home, 'source', file);
      expect((await readFile(join(home, 'target', path))).equals(await readFile(path))).toBe(true);
    }
  };

  it('in a folder', { timeout: 120_000 }, async () => await expectRestores('a folder'));
  it.skipIf(testStore === undefined)(`in S3${s3Note}`, { timeout: 120_000 }, async () => await expectRestores('S3'));

  /** A server on PostgreSQL is killed while it copies, and another one goes on. */
  const expectGoesOn = async (storage: Readonly<Record<string, string>>): Promise<void> => {
    await using cluster = await startPostgres();
    const database = await cluster.newDatabase();
    const site = siteOf('a folder');
    for (let file = 0; file < 4; file++) await writeFile(join(home, 'source', `${file}`), randomBytes(8_000_000));
    const at = commandsIn(join(home, 'server'), undefined, { ...storage, KEEPHOLD_DATABASE: database });
    const serve = async (...more: string[]): Promise<{ readonly server: ChildProcess; readonly record: Serving }> => {
      const server = at.start('serve', '--json', '--data', join(home, 'srv'), '--listen', '127.0.0.1:0', ...more);
      servers.push(server);
      return { server, record: (await firstRecord(server)) as unknown as Serving };
    };
    const { server: taking, record } = await serve('--collect', 'elsewhere');
    const ann = commandsIn(join(home, 'ann'));
    const words = await signUp(ann, record.url, { invitation: record.invitation, name: 'ann' });
    const packs = filesWith(site.place, '/packs/');
    const { server: copying } = await serve('--replicate', site.place);
    await packs;
    copying.kill('SIGKILL');
    await once(copying, 'close');
    // As if the minutes were over for which a process that died holds a vault up.
    const ledger = await openPostgres({ url: database, random: () => 0.5, connections: 1 });
    await ledger.transaction(async (sql) => await sql.query('UPDATE replication SET leased_until = 0, due_at = 0'));
    await ledger.close();
    const both = await Promise.all([serve('--replicate', site.place), serve('--replicate', site.place)]);
    for (const { record: other } of both) await untilCopied(other.url);
    for (const server of [taking, ...both.map((one) => one.server)]) {
      server.kill('SIGKILL');
      await once(server, 'close');
    }
    await expectWhole(site, words);
  };

  it.skipIf(!hasPostgres)(
    `goes on where a server was killed while it copied${postgresNote}`,
    { timeout: 120_000 },
    async () => await expectGoesOn({}),
  );
  it.skipIf(!hasPostgres || testStore === undefined)(
    `goes on from S3 where a server was killed while it copied${postgresNote}${s3Note}`,
    { timeout: 120_000 },
    async () => {
      const { endpoint, prefix, accessKeyId, secretAccessKey, ...options } = s3Options();
      bucket = new S3Backend({ ...options, endpoint, prefix, accessKeyId, secretAccessKey });
      await expectGoesOn({
        KEEPHOLD_STORAGE: `s3://${endpoint.host}/${options.bucket}/${prefix}?tls=no`,
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: secretAccessKey,
      });
    },
  );
});

interface Serving {
  readonly url: string;
  readonly invitation: string;
}

/** Resolves when a file of that kind lies below the folder, which need not be there yet. */
async function filesWith(folder: string, part: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await new Promise<void>((resolve) => {
    const watcher = watch(folder, { recursive: true }, (_, name) => {
      if (!`/${String(name)}`.includes(part)) return;
      watcher.close();
      resolve();
    });
  });
}

describe.each(['SQLite', 'PostgreSQL'] as const)('replicators on %s', (kind) => {
  const lacking = kind === 'PostgreSQL' && !hasPostgres;
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'keephold-replicators-'));
  });
  afterEach(async () => await rm(folder, { recursive: true, force: true }));

  it.skipIf(lacking)('copy each vault once, two at a time, and do no harm at one', { timeout: 60_000 }, async () => {
    const cluster = kind === 'PostgreSQL' ? await startPostgres() : undefined;
    const url = await cluster?.newDatabase();
    const databases: SqlDatabase[] = [];
    const processes: { readonly keeper: OpenAccounts; readonly queue: VaultQueue }[] = [];
    for (let count = 0; count < 2; count++) {
      const path = join(folder, 'collections.sqlite');
      const database =
        url === undefined
          ? await SqliteDatabase.open(path)
          : await openPostgres({ url, random: () => 0.5, connections: 4 });
      databases.push(database);
      const shared = { kind: 'shared', database } as const;
      const repositories = await openKeeper({
        database: url === undefined ? { kind: 'files', folder } : shared,
        storage: { kind: 'folder', path: folder },
      });
      processes.push({
        keeper: new OpenAccounts(repositories),
        queue: await VaultQueue.open(database, 'replication'),
      });
    }
    const [{ keeper, queue }] = processes as [(typeof processes)[number]];
    const accounts = Array.from({ length: 6 }, () => createAccountFixture());
    for (const account of accounts) {
      await keeper.create(account);
      await keeper.use(account.accountId, async (custody) => {
        for (let stored = 0; stored < 3; stored++) {
          await storeSnapshot(custody, account, { packs: [createPack(account.vault, 1, 1)] });
        }
      });
      await queue.changed(account.accountId, account.vault, Date.now());
    }
    const site = new FolderBackend({ path: join(folder, 'site') });
    await mkdir(join(folder, 'site'));
    const copyAll = async (): Promise<readonly ReplicationOutcome[]> => {
      const outcomes: ReplicationOutcome[] = [];
      await Promise.all(
        processes.map(async (process) => {
          const idle = Promise.withResolvers<void>();
          const replicator = startReplicator({
            ...{ ...process, now: Date.now, placeOf: async (id) => await replicaOf(site, id) },
            wait: async () => {
              idle.resolve();
              await new Promise((resolve) => setImmediate(resolve));
            },
            onReplicated: (outcome) => outcomes.push(outcome),
          });
          await idle.promise;
          await replicator.stop();
        }),
      );
      return outcomes;
    };
    const whole = { kind: 'copied', commits: 3, packs: 3, lackingPacks: 0, unreadCommits: 0 };
    expect(await copyAll()).toEqual(Array(6).fill(expect.objectContaining(whole)));
    expect(await copyAll()).toEqual([]);
    expect((await queue.waiting()).vaults).toBe(0);

    // The lease of one may end while it is at work.
    const account = createAccountFixture();
    await keeper.create(account);
    await keeper.use(account.accountId, async (custody) => {
      for (let stored = 0; stored < 8; stored++) {
        await storeSnapshot(custody, account, { packs: [createPack(account.vault, 1, 1)] });
      }
    });
    const { signal } = new AbortController();
    const to = await replicaOf(site, account.accountId);
    const both = await Promise.all(
      processes.map(
        async (process) =>
          await process.keeper.use(
            account.accountId,
            async (custody) => await custody.replicate(account.vault, { to, sweep: 'leave', signal }),
          ),
      ),
    );
    expect(both).toEqual(Array(2).fill(expect.objectContaining({ kind: 'copied', lackingPacks: 0, unreadCommits: 0 })));
    await using copy = await openRepositoryFolder(join(folder, 'site', 'accounts', toHex(account.accountId)));
    expect((await copy.snapshots(account.vault)).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    for (const { keeper: open } of processes) await open.close();
    for (const database of databases) await database.close();
    await cluster?.[Symbol.asyncDispose]();
  });
});
