/** A suspended account over real HTTP, at two processes: what ends, what is refused, and what goes on. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { auditEntries } from '@keephold/accounts';
import { decodeCbor } from '@keephold/bytes';
import { type HttpCustody, setSuspensionOn, usersOf } from '@keephold/client';
import { routes } from '@keephold/protocol/http';
import { type AccountFixture, createAccountFixture, createPack, storeSnapshot } from '@keephold/testkit';
import { expect, it } from 'vitest';
import { commandsIn, firstRecord } from './_commands.ts';
import { deviceSession, ownerSession, type RawSession, signedRequest } from './_signed-requests.ts';
import { createTestServer, type TestServer } from './_test-server.ts';

const suspended = { code: 'no-permission', problem: 'suspended' };

async function accountOf(test: TestServer, name: string, role: 'admin' | 'user'): Promise<AccountFixture> {
  const account = createAccountFixture();
  await test.signUp(account);
  await test.surroundings.database.transaction(
    async (sql) =>
      await sql.query(
        'INSERT INTO account (account_id, name, created_at, admin) VALUES (?, ?, ?, ?)',
        ...[account.accountId, name, Date.now(), role === 'admin' ? 1 : 0],
      ),
  );
  return account;
}

async function statusOf(test: TestServer, session: RawSession): Promise<number> {
  const target = `${routes.keychain.path}?from=0`;
  const response = await fetch(test.server.url + target, signedRequest(test, session, { method: 'GET', target }));
  await response.arrayBuffer();
  return response.status;
}

async function logOf({ surroundings }: TestServer, { accountId }: AccountFixture): Promise<readonly unknown[]> {
  const entries = await surroundings.database.read(async (sql) => await auditEntries(sql, accountId, 0));
  return entries.map((entry) => (decodeCbor(entry) as ReadonlyMap<number, unknown>).get(5));
}

async function putNew(client: HttpCustody, { vault }: AccountFixture): Promise<void> {
  const pack = createPack(vault, 1, 1);
  await client.putPack(vault, pack.id, pack.bytes);
}

it('signs a suspended account out at every process, takes nothing new, and leaves it what is stored', async () => {
  let time = Date.now();
  await using test = await createTestServer({ now: () => time });
  const other = { ...test, server: await test.another() };
  const [boss, ann, bob] = [
    await accountOf(test, 'boss', 'admin'),
    await accountOf(test, 'ann', 'user'),
    await accountOf(test, 'bob', 'user'),
  ];
  const { transport } = await test.unlockedOf(boss);
  const client = test.clientOf(ann);
  const pack = createPack(ann.vault, 1, 1);
  const { seq } = await storeSnapshot(client, ann, { packs: [pack] });
  const before = {
    here: await deviceSession(test, ann),
    elsewhere: await deviceSession(other, ann),
    unlocked: await ownerSession(other, ann),
    stranger: await deviceSession(other, bob),
  };
  // Compared with the database a moment ago: what is known of it here must not be believed any longer.
  expect(await statusOf(test, before.here)).toBe(200);
  expect(await statusOf(other, before.elsewhere)).toBe(200);

  await setSuspensionOn(transport, { account: 'ann', suspended: true });
  expect(await statusOf(test, before.here)).toBe(401);
  expect(await statusOf(other, before.unlocked)).toBe(401);
  time += 5000;
  expect(await statusOf(other, before.elsewhere)).toBe(401);
  expect(await statusOf(other, before.stranger)).toBe(200);

  // Its devices find new sessions by themselves, and these know.
  await expect(putNew(client, ann)).rejects.toMatchObject(suspended);
  await expect(client.putObject(ann.vault, ann.grants[0]!.name, new Uint8Array(9))).rejects.toMatchObject(suspended);
  await expect(client.openSession(ann.vault)).rejects.toMatchObject(suspended);
  await expect(storeSnapshot(client, ann)).rejects.toMatchObject(suspended);
  await putNew(test.clientOf(bob), bob);
  expect(await client.getPack(ann.vault, pack.id, new Uint8Array(pack.bytes.length))).toBe(pack.bytes.length);
  const owner = await test.ownerOf(ann);
  await owner.trash(ann.vault, [seq]);
  await owner.collect(ann.vault, {});
  expect(await client.snapshots(ann.vault)).toMatchObject([{ seq, state: 'trashed' }]);
  await owner.untrash(ann.vault, [seq]);
  const users = await usersOf(transport);
  expect(users.map(({ name, suspendedAt }) => [name, suspendedAt !== undefined])).toEqual([
    ['ann', true],
    ['bob', false],
    ['boss', false],
  ]);

  await setSuspensionOn(transport, { account: 'ann', suspended: true });
  await setSuspensionOn(transport, { account: 'ann', suspended: false });
  await putNew(client, ann);
  await storeSnapshot(client, ann);
  expect((await logOf(test, ann)).filter((type) => type === 'suspended' || type === 'resumed')).toEqual([
    'suspended',
    'resumed',
  ]);
  expect((await logOf(test, boss)).filter((type) => String(type).startsWith('account-'))).toEqual([
    'account-suspended',
    'account-resumed',
  ]);
  const told = await test.surroundings.database.read(
    async (sql) => await sql.query('SELECT detail FROM notice WHERE account_id = ? ORDER BY made_at', ann.accountId),
  );
  const kinds = told.map(([detail]) => (JSON.parse(String(detail)) as { readonly kind: string }).kind);
  expect(kinds.filter((kind) => kind === 'suspended' || kind === 'resumed').sort()).toEqual(['resumed', 'suspended']);
});

it('lets only an admin suspend who is not suspended, and nobody himself', async () => {
  await using test = await createTestServer();
  const [boss, deputy, ann] = [
    await accountOf(test, 'boss', 'admin'),
    await accountOf(test, 'deputy', 'admin'),
    await accountOf(test, 'ann', 'user'),
  ];
  const { transport } = await test.unlockedOf(boss);
  const refused = { problem: 'refused' };
  await expect(setSuspensionOn(transport, { account: 'boss', suspended: true })).rejects.toMatchObject(refused);
  await expect(setSuspensionOn(transport, { account: 'nobody', suspended: true })).rejects.toMatchObject(refused);
  const byAnn = (await test.unlockedOf(ann)).transport;
  const forbidden = { problem: 'forbidden' };
  await expect(setSuspensionOn(byAnn, { account: 'boss', suspended: true })).rejects.toMatchObject(forbidden);
  await setSuspensionOn(transport, { account: 'deputy', suspended: true });
  const byDeputy = (await test.unlockedOf(deputy)).transport;
  for (const account of ['boss', 'deputy']) {
    const wish = { account, suspended: account === 'boss' };
    await expect(setSuspensionOn(byDeputy, wish)).rejects.toMatchObject({ problem: 'suspended' });
  }
  await expect(usersOf(byDeputy)).rejects.toMatchObject({ problem: 'suspended' });
});

it('tells the owner by the command what is the matter, who can restore all the same', {
  timeout: 240_000,
}, async () => {
  const home = await mkdtemp(join(tmpdir(), 'keephold-suspension-'));
  const server = commandsIn(home).start('serve', '--json', '--data', join(home, 'srv'), '--listen', '127.0.0.1:0');
  const { url, invitation } = await firstRecord(server);
  const repo = ['--repo', String(url)];
  const source = join(home, 'documents');
  await mkdir(source);
  await writeFile(join(source, 'letter'), 'dear reader');
  const [boss, ann] = ['boss', 'ann'].map((name) => commandsIn(join(home, name), 'plover tangent ochre lagoon'));
  await boss!.run('init', ...repo, '--invitation', String(invitation), '--account', 'boss');
  const invited = JSON.parse(await boss!.run('admin', 'invite', '--json', ...repo)) as { readonly code: string };
  await ann!.run('init', ...repo, '--invitation', invited.code, '--account', 'ann', '--trusted');
  await ann!.run('backup', ...repo, source);
  await boss!.run('admin', 'suspend', 'Ann', ...repo);
  await writeFile(join(source, 'letter'), 'dear other reader');
  await expect(ann!.run('backup', ...repo, source)).rejects.toThrow(/suspended: nothing new is taken[\s\S]*restored/);
  expect(await ann!.run('cat', ...repo, `latest:${source}/letter`)).toBe('dear reader');
  await boss!.run('admin', 'resume', 'ann', ...repo);
  await ann!.run('backup', ...repo, source);
  server.kill('SIGTERM');
  await new Promise((resolve) => server.once('close', resolve));
  await rm(home, { recursive: true, force: true });
});
