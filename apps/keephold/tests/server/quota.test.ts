/** Quotas over real HTTP: what is refused, what is not, and how far several processes may go beyond a limit together. */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assignPlan, putPlan } from '@keephold/accounts';
import type { HttpCustody } from '@keephold/client';
import {
  type AccountFixture,
  createAccountFixture,
  createPack,
  hasPostgres,
  type PostgresCluster,
  startPostgres,
  storeSnapshot,
} from '@keephold/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandsIn, firstRecord } from './_commands.ts';
import { serverPairs, usePair } from './_server-places.ts';
import { createTestServer, type TestServer } from './_test-server.ts';

const DAY = 86_400_000;
const full = { code: 'no-room', problem: 'over-quota' };

interface PlanOf {
  readonly bytes: number;
  readonly graceMs: number;
}

/** An account with a plan of its own. */
async function accountWith(test: TestServer, plan: PlanOf): Promise<AccountFixture> {
  const account = createAccountFixture();
  await test.signUp(account);
  await test.surroundings.database.transaction(
    async (sql) =>
      await sql.query(
        'INSERT INTO account (account_id, name, created_at, admin) VALUES (?, ?, ?, ?)',
        ...[account.accountId, 'ann', Date.now(), 0],
      ),
  );
  await putPlan(test.surroundings, { name: 'tiny', ...plan });
  await assignPlan(test.surroundings, { account: 'ann', plan: 'tiny' });
  return account;
}

async function endGrace({ surroundings }: TestServer): Promise<void> {
  await surroundings.database.transaction(
    async (sql) => await sql.query('UPDATE account SET over_since = over_since - ?', 8 * DAY),
  );
}

const packOf = ({ vault }: AccountFixture): ReturnType<typeof createPack> => createPack(vault, 1, 1);
const LENGTH = packOf(createAccountFixture()).bytes.length;

async function put(client: HttpCustody, { vault }: AccountFixture, pack: ReturnType<typeof createPack>): Promise<void> {
  await client.putPack(vault, pack.id, pack.bytes);
}

describe.each(serverPairs.filter(({ storage }) => storage === 'a folder'))('with $database', (pair) => {
  let cluster: PostgresCluster | undefined;
  beforeAll(async () => {
    if (pair.database === 'PostgreSQL' && hasPostgres) cluster = await startPostgres();
  }, 60_000);
  afterAll(async () => await cluster?.[Symbol.asyncDispose]());

  it.skipIf(pair.lacking !== '')(
    `refuses new packs beyond the quota and its grace, and nothing else${pair.lacking}`,
    async () => {
      await using place = await usePair(pair, cluster);
      await using test = await createTestServer({ parts: async () => await place.open() });
      const account = await accountWith(test, { bytes: 4 * LENGTH, graceMs: 7 * DAY });
      const client = test.clientOf(account);
      const packs = Array.from({ length: 5 }, () => packOf(account));
      for (const pack of packs.slice(0, 4)) await put(client, account, pack);
      expect(await client.accountUsage()).toEqual({
        storedBytes: 4 * LENGTH,
        quota: { plan: 'tiny', limit: 4 * LENGTH, state: 'near' },
      });
      await put(client, account, packs[4]!);
      const { quota } = await client.accountUsage();
      expect(quota).toMatchObject({ state: 'grace' });
      expect(Math.abs((quota?.graceUntil ?? 0) - Date.now() - 7 * DAY)).toBeLessThan(60_000);
      await expect(put(client, account, packOf(account))).rejects.toMatchObject(full);
      await expect(put(client, account, packOf(account))).rejects.toThrow(/stored .* and its plan, tiny, allows/);

      await endGrace(test);
      expect((await client.accountUsage()).quota).toMatchObject({ state: 'full' });
      await expect(put(client, account, packOf(account))).rejects.toMatchObject(full);
      // What is there may come again, and all else goes on.
      await put(client, account, packs[0]!);
      const all = await storeSnapshot(client, account, { packs: packs.slice(0, 1) });
      await storeSnapshot(client, account);
      expect(await client.getPack(account.vault, packs[1]!.id, new Uint8Array(LENGTH))).toBe(LENGTH);
      const owner = await test.ownerOf(account);
      await owner.trash(account.vault, [all.seq]);
      await owner.collect(account.vault, {});
      expect(test.lines.filter((text) => !text.includes('"level":30'))).toEqual([]);
      // Given the same again nothing begins anew; under another plan the time of grace does.
      await assignPlan(test.surroundings, { account: 'ann', plan: 'tiny' });
      expect((await client.accountUsage()).quota).toMatchObject({ state: 'full' });
      await putPlan(test.surroundings, { name: 'other', bytes: 4 * LENGTH, graceMs: 7 * DAY });
      await assignPlan(test.surroundings, { account: 'ann', plan: 'other' });
      expect((await client.accountUsage()).quota).toMatchObject({ state: 'grace' });
      await assignPlan(test.surroundings, { account: 'ann', plan: 'tiny' });
      await putPlan(test.surroundings, { name: 'tiny', bytes: undefined, graceMs: 0 });
      await put(client, account, packOf(account));
      expect((await client.accountUsage()).quota).toBeUndefined();
      const usage = await client.usage(account.vault);
      expect((await client.accountUsage()).storedBytes).toBe(usage.packBytes + usage.objectBytes);
    },
  );

  it.skipIf(pair.lacking !== '')(`takes exactly what fits, however much comes at once${pair.lacking}`, async () => {
    await using place = await usePair(pair, cluster);
    await using test = await createTestServer({ parts: async () => await place.open() });
    const account = await accountWith(test, { bytes: 5 * LENGTH + 100, graceMs: 0 });
    const client = test.clientOf(account);
    const tries = await Promise.allSettled(
      Array.from({ length: 12 }, async () => await put(client, account, packOf(account))),
    );
    expect(tries.filter(({ status }) => status === 'fulfilled').length).toBe(5);
    expect((await client.usage(account.vault)).packBytes).toBe(5 * LENGTH);
  });

  it.skipIf(pair.lacking !== '' || pair.database === 'SQLite')(
    `lets several processes go beyond it by less than a pack each${pair.lacking}`,
    async () => {
      await using place = await usePair(pair, cluster);
      await using one = await createTestServer({ parts: async () => await place.open() });
      await using two = await createTestServer({ parts: async () => await place.open() });
      const account = await accountWith(one, { bytes: 8 * LENGTH, graceMs: 0 });
      const clients = [one.clientOf(account), two.clientOf(account)];
      const tries = await Promise.allSettled(
        Array.from({ length: 24 }, async (_, at) => await put(clients[at % 2]!, account, packOf(account))),
      );
      const taken = tries.filter(({ status }) => status === 'fulfilled').length;
      expect(taken).toBeGreaterThanOrEqual(8);
      expect(taken).toBeLessThanOrEqual(9);
      for (const client of clients) await expect(put(client, account, packOf(account))).rejects.toMatchObject(full);
    },
  );
});

it('begins the time of grace anew when the plan itself is made larger, and only then', async () => {
  await using test = await createTestServer();
  const plan = { name: 'tiny', bytes: 4 * LENGTH, graceMs: 7 * DAY };
  const account = await accountWith(test, plan);
  const client = test.clientOf(account);
  for (let at = 0; at < 5; at++) await put(client, account, packOf(account));
  await client.accountUsage();
  await endGrace(test);
  await expect(put(client, account, packOf(account))).rejects.toMatchObject(full);
  // The same again, a smaller one and another plan change nothing for who was refused.
  for (const bytes of [plan.bytes, plan.bytes - 100]) await putPlan(test.surroundings, { ...plan, bytes });
  await putPlan(test.surroundings, { ...plan, name: 'other', bytes: 100 * LENGTH });
  expect((await client.accountUsage()).quota).toMatchObject({ state: 'full' });
  await putPlan(test.surroundings, { ...plan, bytes: 5 * LENGTH + 100 });
  await put(client, account, packOf(account));
  expect((await client.accountUsage()).quota).toMatchObject({ state: 'grace' });
});

it('ends a backup that has no room with 11 and what to do, and goes on with a larger plan', {
  timeout: 240_000,
}, async () => {
  const home = await mkdtemp(join(tmpdir(), 'keephold-quota-'));
  const server = commandsIn(home).start('serve', '--json', '--data', join(home, 'srv'), '--listen', '127.0.0.1:0');
  const { url, invitation } = await firstRecord(server);
  const repo = ['--repo', String(url)];
  const [ann, bob] = [commandsIn(join(home, 'ann')), commandsIn(join(home, 'bob'), 'quarry mitten delta forum')];
  await ann.run('init', ...repo, '--invitation', String(invitation), '--account', 'ann');
  const { code } = JSON.parse(await ann.run('admin', 'invite', '--json', ...repo)) as { readonly code: string };
  await bob.run('init', ...repo, '--invitation', code, '--account', 'bob', '--trusted');
  await ann.run('admin', 'plan', 'tiny', '--size', '1MB', '--grace', '0', ...repo);
  await expect(ann.run('admin', 'give', 'nobody', 'tiny', ...repo)).rejects.toThrow('no such account');
  await ann.run('admin', 'give', 'Bob', 'tiny', ...repo);
  expect(await ann.run('admin', 'plans', ...repo)).toMatch(/free +5.00 GB/);

  const source = join(home, 'documents');
  await mkdir(source);
  await writeFile(join(source, 'small'), randomBytes(900_000));
  await bob.run('backup', ...repo, source);
  expect(await bob.run('stats', ...repo)).toMatch(/of 1.00 MB \(plan tiny\): nearly all/);
  await writeFile(join(source, 'large'), randomBytes(3_000_000));
  await expect(bob.run('backup', ...repo, source)).rejects.toThrow(
    /exit code 11: [^]*its plan, tiny, allows 1.0 MB[^]*can be read and restored/,
  );
  expect(await bob.run('ls', ...repo, `latest:${source}`)).toContain('small');
  expect(await bob.run('check', ...repo, '--read-data')).toContain('no problem found');
  await ann.run('admin', 'plan', 'tiny', '--size', '10MB', ...repo);
  await bob.run('backup', ...repo, source);
  const users = (await ann.run('admin', 'users', '--json', ...repo)).trim().split('\n');
  expect(users.map((line) => JSON.parse(line) as object)).toMatchObject([
    { name: 'ann' },
    { name: 'bob', plan: 'tiny', limit: 10_000_000, snapshots: 2 },
  ]);
  server.kill('SIGTERM');
  await new Promise((resolve) => server.once('close', resolve));
  await rm(home, { recursive: true, force: true });
});
