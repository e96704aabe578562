/** What owners and admins are told of: once, by every way there is, whatever else goes wrong. */

import type { ChildProcess } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AccountsSurroundings, auditEntries, noteUsage, quotaOf } from '@keephold/accounts';
import {
  addNotice,
  confirmContact,
  contactOf,
  type Message,
  messageSent,
  messagesWaiting,
  type Notice,
  noteCommit,
  postNotices,
  putOffQuiet,
  quietDevices,
  seenDevices,
  setContact,
  takeMessages,
} from '@keephold/accounts/notices';
import { decodeCbor, toHex } from '@keephold/bytes';
import { openKeeper } from '@keephold/custody';
import { openPostgres, type SqlDatabase, SqliteDatabase } from '@keephold/custody/sql';
import {
  type MessageOutcome,
  mailSender,
  ntfySender,
  OpenAccounts,
  type Sender,
  startNotifier,
  webhookSender,
} from '@keephold/server';
import {
  type AccountFixture,
  createAccountFixture,
  type FixtureDevice,
  hasPostgres,
  type PostgresCluster,
  postgresNote,
  startPostgres,
  storeSnapshot,
} from '@keephold/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openServerFolder } from '../../src/jobs/server-folder.ts';
import { cheapCommandsIn, commandsIn, firstRecord } from './_commands.ts';
import { type MailReceiver, type PostReceiver, receiveMail, receivePosts } from './_receivers.ts';
import { createTestServer } from './_test-server.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const SECRET = 'a secret of this test';

for (const kind of ['SQLite', 'PostgreSQL'] as const) {
  const lacking = kind === 'PostgreSQL' && !hasPostgres;
  describe.skipIf(lacking)(`notices on ${kind}${lacking ? postgresNote : ''}`, () => {
    let cluster: PostgresCluster | undefined;
    let mail: MailReceiver;
    let web: PostReceiver;
    let folder: string;
    let database: SqlDatabase;
    let accounts: AccountsSurroundings;
    let keeper: OpenAccounts;
    let account: AccountFixture;
    let time: number;

    beforeAll(async () => {
      if (kind === 'PostgreSQL') cluster = await startPostgres();
      [mail, web] = [await receiveMail(), await receivePosts()];
    }, 60_000);
    afterAll(async () => {
      for (const running of [cluster, mail, web]) await running?.[Symbol.asyncDispose]();
    });
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'keephold-notices-'));
      const url = await cluster?.newDatabase();
      database =
        url === undefined
          ? await SqliteDatabase.open(join(folder, 'accounts.sqlite'), 'durable')
          : await openPostgres({ url, random: () => 0.5, connections: 4 });
      time = Date.now();
      ({ surroundings: accounts } = await openServerFolder(folder, {
        database,
        signUp: 'by-invitation',
        now: () => time,
      }));
      const repositories = await openKeeper({
        database: { kind: 'files', folder },
        storage: { kind: 'folder', path: folder },
      });
      keeper = new OpenAccounts(repositories);
      account = await signUp('ann');
      for (const list of [mail.mails, mail.refusals, web.posts, web.refusals]) list.length = 0;
    });
    afterEach(async () => {
      await keeper.close();
      await database.close();
      await rm(folder, { recursive: true, force: true });
    });

    const signUp = async (name: string, admin = 0): Promise<AccountFixture> => {
      const made = createAccountFixture({ devices: 2 });
      await keeper.create(made);
      const text = 'INSERT INTO account (account_id, name, created_at, admin) VALUES (?, ?, ?, ?)';
      await database.transaction(async (sql) => await sql.query(text, made.accountId, name, time, admin));
      return made;
    };

    const senders = (): readonly Sender[] => [
      mailSender({
        host: '127.0.0.1',
        port: mail.port,
        security: 'plain',
        login: undefined,
        from: 'keephold@box.example',
      }),
      webhookSender({
        url: new URL(`${web.url}/hook`),
        sign: (bytes) => new Uint8Array(createHmac('sha256', SECRET).update(bytes).digest()),
        now: () => time,
      }),
      ntfySender({ url: new URL(`${web.url}/topic`), token: 'tk_token' }),
    ];

    /** Two processes at once, until neither finds anything to do. */
    const tell = async (used: readonly Sender[] = senders()): Promise<readonly MessageOutcome[]> => {
      const outcomes: MessageOutcome[] = [];
      const failures: string[] = [];
      await Promise.all(
        [1, 2].map(async () => {
          const idle = Promise.withResolvers<void>();
          const notifier = startNotifier({
            ...{ accounts, keeper, senders: used, onMessage: (outcome) => outcomes.push(outcome) },
            onFailed: (code) => failures.push(code),
            wait: async () => {
              idle.resolve();
              await new Promise((resolve) => setImmediate(resolve));
            },
          });
          await idle.promise;
          await notifier.stop();
        }),
      );
      expect(failures).toEqual([]);
      return outcomes;
    };

    /** By the hour, as a server that never sleeps; only what comes by mail of it. */
    const pass = async (days: number): Promise<readonly string[]> => {
      const before = mail.mails.length;
      for (let hours = 0; hours < days * 24; hours += 24) {
        for (const step of [1, 2]) {
          await database.transaction(
            async (sql) =>
              await sql.query('UPDATE watch_clock SET looked_at = ? WHERE name = ?', time + 12 * HOUR, 'devices'),
          );
          time += 12 * HOUR;
          if (step === 2) await tell();
        }
      }
      return mail.mails.slice(before).map(({ head }) => subjectOf(head));
    };

    const subscribe = async (of = account, address = 'ann@example.org'): Promise<void> => {
      await tell();
      await setContact(accounts, of.accountId, { address });
      await tell();
      const [, code = ''] = /notify confirm (\S+)/.exec(mail.mails.at(-1)?.body ?? '') ?? [];
      await confirmContact(accounts, of.accountId, code);
      mail.mails.length = 0;
    };

    const happen = async (notice: Notice): Promise<void> => {
      const { accountId } = account;
      const { random } = accounts;
      await database.transaction(async (sql) => await addNotice(sql, { accountId, notice, now: time, random }));
    };

    const deletion: Notice = { kind: 'deletion', snapshots: 3 };

    it('tell by mail, webhook and ntfy, once each, however many processes do it', async () => {
      await subscribe();
      for (let count = 0; count < 20; count++) await happen({ kind: 'deletion', snapshots: count });
      expect((await tell()).map(({ outcome }) => outcome)).toEqual(Array(60).fill('sent'));
      expect([mail.mails.length, web.posts.length]).toEqual([20, 40]);
      const [first] = mail.mails;
      expect(first).toMatchObject({ from: 'keephold@box.example', to: 'ann@example.org' });
      expect(subjectOf(first?.head ?? '')).toBe('Keephold: a deletion was requested');
      expect(first?.body).toContain('Account ann:');
      const hook = web.posts.find(({ path }) => path === '/hook');
      const body = JSON.parse(hook?.body ?? '') as { type: string; data: object };
      expect(body).toMatchObject({ type: 'keephold.deletion', data: { account: 'ann' } });
      const { 'webhook-id': id, 'webhook-timestamp': at } = hook?.headers ?? {};
      const signed = [id, at, hook?.body].map(String).join('.');
      const signature = createHmac('sha256', SECRET).update(signed).digest('base64');
      expect(hook?.headers['webhook-signature']).toBe(`v1,${signature}`);
      const pushed = web.posts.find(({ path }) => path === '/topic');
      expect(pushed?.headers).toMatchObject({ authorization: 'Bearer tk_token', priority: 'high' });
      expect(pushed?.body).toMatch(/^ann: The deletion of \d+ snapshots? was requested/);
      expect(await messagesWaiting(accounts)).toBe(0);
    });

    it('try again what was refused, ever more rarely, as the same message; and give up an address that is not there', async () => {
      await subscribe();
      await happen(deletion);
      mail.refusals.push(451);
      // A redirect is not followed.
      web.refusals.push(500, 302);
      const failed = await tell();
      expect(failed.map(({ outcome }) => outcome)).toEqual(Array(3).fill('to-be-tried-again'));
      expect(new Set(failed.map(({ code }) => code))).toEqual(new Set(['EENVELOPE', 'status-302', 'status-500']));
      expect(await tell()).toEqual([]);
      time += MINUTE;
      expect((await tell()).map(({ outcome }) => outcome)).toEqual(Array(3).fill('sent'));
      expect([mail.mails.length, web.posts.length]).toEqual([1, 2]);
      expect(web.posts.map(({ path }) => path).sort()).toEqual(['/hook', '/topic']);

      await happen(deletion);
      mail.refusals.push(550);
      expect(await tell()).toContainEqual({
        channel: 'mail',
        notice: 'deletion',
        outcome: 'given-up',
        code: 'EENVELOPE',
      });
      await happen(deletion);
      let tries = 0;
      for (let waited = 0; waited < 4 * DAY; waited += HOUR, time += HOUR) {
        mail.refusals.push(451);
        tries += (await tell()).filter(({ channel }) => channel === 'mail').length;
        mail.refusals.length = 0;
      }
      expect(tries).toBeGreaterThan(5);
      expect(tries).toBeLessThan(25);
      expect([mail.mails.length, await messagesWaiting(accounts)]).toEqual([1, 0]);
    });

    it('go on with a message whose process died while it sent it', async () => {
      await subscribe();
      await happen(deletion);
      await postNotices(accounts, ['mail']);
      const [taken]: readonly (Message | undefined)[] = await takeMessages(accounts, { channels: ['mail'], most: 8 });
      expect(taken?.notice).toEqual(deletion);
      expect(await tell()).toEqual([]);
      time += 5 * MINUTE;
      expect((await tell()).map(({ outcome }) => outcome)).toEqual(['sent']);
      expect(mail.mails[0]?.head).toContain(`Message-ID: <${taken?.id}@box.example>`);
    });

    it.skipIf(kind === 'SQLite')('do not send again what is found to be sent while it is taken', async () => {
      await subscribe();
      await happen(deletion);
      await postNotices(accounts, ['mail']);
      const [sent] = (await takeMessages(accounts, { channels: ['mail'], most: 8 })) as [Message];
      time += 5 * MINUTE;
      // The process that was slow tells it between what this one reads and what it writes.
      const meeting: SqlDatabase = {
        ...{ read: database.read.bind(database), transaction: database.transaction.bind(database) },
        ...{ close: database.close.bind(database) },
        exclusive: async (lock, work) =>
          await database.exclusive(lock, async (sql) => {
            const query: typeof sql.query = async (text, ...values) => {
              if (text.startsWith('UPDATE')) await messageSent(accounts, sent);
              return await sql.query(text, ...values);
            };
            return await work({ query });
          }),
      };
      expect(await takeMessages({ ...accounts, database: meeting }, { channels: ['mail'], most: 8 })).toEqual([]);
    });

    it('say when a device has gone quiet, once more a week later, and that it is back', async () => {
      await subscribe();
      await setContact(accounts, account.accountId, { wanted: ['quiet'] });
      const [device] = account.devices as [FixtureDevice];
      await noteCommit(accounts, account.accountId, device.deviceId);
      expect(await pass(2)).toEqual([]);
      await noteCommit(accounts, account.accountId, device.deviceId);
      expect(await pass(2)).toEqual([]);
      expect(await pass(1)).toEqual(['Keephold: a device has gone quiet']);
      expect(mail.mails[0]?.body).toContain(Buffer.from(device.deviceId.subarray(0, 4)).toString('hex'));
      expect(await pass(6)).toEqual([]);
      expect(await pass(2)).toEqual(['Keephold: a device has gone quiet']);
      expect(await pass(30)).toEqual([]);
      await noteCommit(accounts, account.accountId, device.deviceId);
      await noteCommit(accounts, account.accountId, device.deviceId);
      expect(await pass(2)).toEqual(['Keephold: a device is back']);
      await setContact(accounts, account.accountId, { quietDays: 0 });
      expect(await pass(10)).toEqual([]);
    });

    it('call no device quiet that commits while nobody can tell what it is', async () => {
      await subscribe();
      const { accountId, devices } = account;
      const { deviceId } = devices[0] as FixtureDevice;
      await noteCommit(accounts, accountId, deviceId);
      time += 4 * DAY;
      expect(await quietDevices(accounts, 8)).toHaveLength(1);
      await noteCommit(accounts, accountId, deviceId);
      await putOffQuiet(accounts, { accountId, deviceId });
      time += 2 * HOUR;
      expect(await quietDevices(accounts, 8)).toEqual([]);
    });

    it('say nothing of a device that was revoked, nor of a time in which the server itself was away', async () => {
      await subscribe();
      await setContact(accounts, account.accountId, { wanted: ['quiet'] });
      const [device, other] = account.devices as [FixtureDevice, FixtureDevice];
      for (const { deviceId } of [device, other]) await noteCommit(accounts, account.accountId, deviceId);
      const { accountId } = account;
      const revocation = account.nextEntry({ kind: 'revoke-device', deviceId: other.deviceId });
      await keeper.use(accountId, async (custody) => void (await custody.appendKeychain(revocation)));
      time += 10 * DAY;
      await tell();
      expect(mail.mails).toEqual([]);
      // Those days do not count: it still has its three.
      expect(await pass(2)).toEqual([]);
      expect(await pass(2)).toEqual(['Keephold: a device has gone quiet']);
    });

    it('use an address only when its owner has the code, and tell the old one when it is replaced', async () => {
      const { accountId } = account;
      await expect(setContact(accounts, accountId, { address: 'ann@example.org' })).rejects.toThrow(/sends no mail/);
      await subscribe();
      await setContact(accounts, accountId, { address: 'thief@example.org' });
      await tell();
      await happen(deletion);
      await tell();
      expect(mail.mails.map(({ to }) => to)).toEqual(['thief@example.org', 'ann@example.org']);
      await expect(confirmContact(accounts, accountId, 'guess')).rejects.toThrow(/the code is not the one/);
      const [, code = ''] = /notify confirm (\S+)/.exec(mail.mails[0]?.body ?? '') ?? [];
      time += DAY;
      await expect(confirmContact(accounts, accountId, code)).rejects.toThrow(/too old/);
      time += DAY;
      await tell();
      await setContact(accounts, accountId, { address: 'thief@example.org' });
      await tell();
      const [, later = ''] = /notify confirm (\S+)/.exec(mail.mails.at(-1)?.body ?? '') ?? [];
      await confirmContact(accounts, accountId, later);
      await tell();
      expect(mail.mails.at(-1)).toMatchObject({ to: 'ann@example.org' });
      expect(subjectOf(mail.mails.at(-1)?.head ?? '')).toBe('Keephold: you are no longer told here');
      expect((await contactOf(accounts, accountId)).address).toBe('thief@example.org');
      for (const address of ['a@b\r\nBcc: c@d', 'a@b, c@d', '<a@b>', '@b', 'a@']) {
        await expect(setContact(accounts, accountId, { address })).rejects.toThrow(/does not have its form/);
      }
      await expect(
        (async () => {
          for (let tries = 0; tries < 5; tries++)
            await setContact(accounts, accountId, { address: 'victim@example.org' });
        })(),
      ).rejects.toThrow(/too many tries/);
    });

    it('warn of the quota once at each level, tell admins of damage, and how the week was', async () => {
      const admin = await signUp('root', 1);
      await subscribe(admin, 'root@example.org');
      await subscribe();
      const { accountId } = account;
      const quota = await quotaOf(accounts, accountId);
      if (quota === undefined) throw new Error('there is no quota');
      for (const share of [0.5, 0.92, 0.95, 1.01, 1.02, 0.95, 1.01]) {
        const now = (await quotaOf(accounts, accountId)) ?? quota;
        await noteUsage(accounts, accountId, { quota: now, storedBytes: quota.limit * share });
      }
      await tell();
      expect(mail.mails.map(({ head }) => subjectOf(head)).sort()).toEqual([
        'Keephold: nearly full',
        'Keephold: over the limit',
      ]);
      mail.mails.length = 0;
      await happen({ kind: 'damage', damaged: 2, repaired: 1 });
      await tell();
      expect(mail.mails.map(({ to }) => to).sort()).toEqual(['ann@example.org', 'root@example.org']);
      mail.mails.length = 0;
      await noteCommit(accounts, accountId, (account.devices[0] as FixtureDevice).deviceId);
      await setContact(accounts, admin.accountId, { wanted: [] });
      await setContact(accounts, accountId, { quietDays: 0 });
      expect(await pass(15)).toEqual(['Keephold: your week', 'Keephold: your week']);
      expect(mail.mails[0]?.body).toMatch(/0 snapshots, 0\.0 MB stored\.\s+device [0-9a-f]{8}: backed up last on/);
    });

    it('of one account do not fill the outbox, and are forgotten where nobody is told', async () => {
      for (let count = 0; count < 150; count++) await happen({ kind: 'deletion', snapshots: count });
      time += 8 * DAY;
      await tell([]);
      await happen(deletion);
      expect((await tell()).filter(({ channel }) => channel === 'ntfy')).toHaveLength(1);
    });
  });
}

function subjectOf(head: string): string {
  return /^Subject: (.*)$/m.exec(head)?.[1]?.trim() ?? '';
}

it('are made by the routes: of commits, devices, deletions, and of who has access', async () => {
  await using test = await createTestServer();
  const account = createAccountFixture({ devices: 2 });
  await test.signUp(account);
  const { accountId, vault } = account;
  const { database } = test.surroundings;
  const text = 'INSERT INTO account (account_id, name, created_at) VALUES (?, ?, ?)';
  await database.transaction(async (sql) => await sql.query(text, accountId, 'ann', 0));
  const { seq } = await storeSnapshot(test.clientOf(account), account);
  const [device, other] = account.devices as [FixtureDevice, FixtureDevice];
  expect(await seenDevices(test.surroundings, accountId)).toMatchObject([{ deviceId: device.deviceId }]);
  const owner = await test.ownerOf(account);
  await owner.trash(vault, [seq]);
  // Told of once, however often it is asked for.
  for (let times = 0; times < 3; times++) await test.clientOf(account).setHold(vault);
  await owner.appendKeychain(account.nextEntry({ kind: 'revoke-device', deviceId: other.deviceId }));
  await postNotices(test.surroundings, ['webhook']);
  const messages = await takeMessages(test.surroundings, { channels: ['webhook'], most: 8 });
  expect(messages.map(({ notice }) => notice)).toEqual(
    expect.arrayContaining([
      { kind: 'access', what: 'words' },
      { kind: 'deletion', snapshots: 1 },
      { kind: 'access', what: 'revoked' },
      { kind: 'hold', device: toHex(device.deviceId).slice(0, 8) },
    ]),
  );
  expect(messages).toHaveLength(4);
  const log = await database.read(async (sql) => await auditEntries(sql, accountId, 0));
  const types = log.map((entry) => (decodeCbor(entry) as ReadonlyMap<number, unknown>).get(5));
  expect(types.filter((type) => type === 'hold')).toHaveLength(1);
});

describe('a server with mail', () => {
  let home: string;
  let mail: MailReceiver;
  let servers: ChildProcess[];
  beforeEach(async () => {
    [home, mail, servers] = [await mkdtemp(join(tmpdir(), 'keephold-mailing-')), await receiveMail(), []];
    await mkdir(join(home, 'source'));
    await writeFile(join(home, 'source', 'secret-name.txt'), 'dear all');
  });
  afterEach(async () => {
    for (const server of servers) server.kill('SIGKILL');
    await mail[Symbol.asyncDispose]();
    await rm(home, { recursive: true, force: true });
  });

  const mailWith = async (subject: string): Promise<string> => {
    for (;;) {
      const found = mail.mails.find(({ head }) => subjectOf(head) === `Keephold: ${subject}`);
      if (found !== undefined) return found.body;
      await sleep(50);
    }
  };

  it('tells an owner of a new device and a deletion, by the address that he has confirmed', {
    timeout: 90_000,
  }, async () => {
    await using web = await receivePosts();
    const key = randomBytes(24);
    const secrets = { KEEPHOLD_WEBHOOK_SECRET: `whsec_${key.toString('base64')}` };
    const server = commandsIn(join(home, 'server'), undefined, secrets).start(
      ...['serve', '--json', '--data', join(home, 'srv'), '--listen', '127.0.0.1:0'],
      ...['--smtp', `smtp://127.0.0.1:${mail.port}`, '--mail-from', 'keephold@box.example'],
      ...['--webhook', `${web.url}/hook`, '--ntfy', `${web.url}/topic`],
    );
    servers.push(server);
    const { url, invitation } = await firstRecord(server);
    const repo = ['--repo', String(url)];
    const ann = cheapCommandsIn(join(home, 'ann'));
    await ann.run('init', ...repo, '--invitation', String(invitation), '--account', 'ann', '--trusted');
    await ann.run('backup', ...repo, join(home, 'source'));
    expect(await ann.run('notify', 'mail', 'ann@example.org', ...repo)).toContain('gets a code');
    const [, code = ''] = /notify confirm (\S+)/.exec(await mailWith('confirm your address')) ?? [];
    expect(await ann.run('notify', 'confirm', code, ...repo)).toContain('mail goes to ann@example.org');
    await ann.run('notify', 'set', '--events', 'device,deletion', '--quiet-days', '7', ...repo);
    const shown = JSON.parse((await ann.run('notify', '--json', ...repo)).split('\n')[0] ?? '') as object;
    expect(shown).toMatchObject({
      address: 'ann@example.org',
      events: ['device', 'deletion'],
      quietDays: 7,
      canMail: true,
    });

    await cheapCommandsIn(join(home, 'laptop')).run('login', String(url), '--account', 'ann');
    await ann.run('forget', '#1', ...repo);
    const told = `${await mailWith('a new device')}${await mailWith('a deletion was requested')}`;
    expect(told).toContain('Account ann:');
    await ann.run('admin', 'test-notices', ...repo);
    expect(await mailWith('a test')).toContain('All is well');
    while (web.posts.length < 6) await sleep(50);
    expect(web.posts.map(({ path }) => path).toSorted()).toEqual([
      ...Array<string>(3).fill('/hook'),
      ...Array<string>(3).fill('/topic'),
    ]);
    for (const { headers, body } of web.posts.filter(({ path }) => path === '/hook')) {
      const { 'webhook-id': id, 'webhook-timestamp': at } = headers;
      const signature = createHmac('sha256', key).update([id, at, body].map(String).join('.')).digest('base64');
      expect(headers['webhook-signature']).toBe(`v1,${signature}`);
    }
    for (const secret of ['secret-name', home, hostname(), 'a password']) expect(told).not.toContain(secret);
  });
});
