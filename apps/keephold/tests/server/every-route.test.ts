/** Every route of the table, walked by a thief of a device and by the owner of another account (security.md §11, M17). */
import { createHash, randomBytes } from 'node:crypto';
import { auditEntries, auditHash, openPairing, openSessions } from '@keephold/accounts';
import { decodeCbor, toHex } from '@keephold/bytes';
import { asObjectName, asVaultId, type Head, type VaultId } from '@keephold/protocol';
import { encodeCommitBody, type Route, rolesFor, routes } from '@keephold/protocol/http';
import {
  type AccountFixture,
  createAccountFixture,
  createCommit,
  createObject,
  createPack,
  storeSnapshot,
} from '@keephold/testkit';
import { expect, it } from 'vitest';
import { deviceSession, ownerSession, type RawSession, sha256Text, signedRequest } from './_signed-requests.ts';
import { createTestServer, type TestServer } from './_test-server.ts';

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
const empty = new Uint8Array(0);

/** What a request may name: of the account that is attacked, or of none. */
interface Names {
  readonly account: AccountFixture;
  readonly vault: VaultId;
  readonly grant: Uint8Array;
  readonly slot: Uint8Array;
  readonly object: Uint8Array;
  readonly ticket: Uint8Array;
  readonly session: Uint8Array;
  readonly pack: { readonly id: Uint8Array; readonly bytes: Uint8Array };
  readonly head: Head;
}

const guarded = (Object.entries(routes) as [string, Route][]).filter(([, { action }]) => action !== undefined);

function bodyOf(name: string, names: Names): Uint8Array | undefined {
  const { account, head } = names;
  const json = (value: object): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
  const commit = (): Uint8Array =>
    encodeCommitBody(
      createCommit({
        ...{ account, head, snapshotObject: asObjectName(names.object), packsAdded: empty, refset: empty },
      }),
    );
  const bodies: Readonly<Record<string, () => Uint8Array>> = {
    putPack: () => names.pack.bytes,
    putObject: () => createObject().bytes,
    commit,
    getObjects: () => names.object,
    trash: () => json({ seqs: [1] }),
    untrash: () => json({ seqs: [1] }),
    collect: () => json({}),
    reportDamage: () => names.pack.id,
    invite: () => json({ days: 1 }),
    putPlan: () => json({ bytes: 1, graceDays: 1 }),
    setSuspension: () => json({ account: 'ann', suspended: true }),
    assignPlan: () => json({ account: 'ann', plan: 'free' }),
    appendKeychain: () => account.keychain[1] as Uint8Array,
  };
  const { body } = (routes as Readonly<Record<string, Route>>)[name] as Route;
  return body === undefined ? undefined : (bodies[name]?.() ?? random(200));
}

function targetOf(route: Route, names: Names, body: Uint8Array | undefined): string {
  const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
  const values: Readonly<Record<string, string>> = {
    vault: toHex(names.vault),
    pack: toHex(names.pack.id),
    object: hash(body ?? names.object),
    grant: body === undefined ? toHex(names.grant) : hash(body),
    slot: toHex(names.slot),
    message: 'draft',
    ticket: toHex(names.ticket),
    session: toHex(names.session),
    invitation: '0'.repeat(64),
    plan: 'free',
    seq: '1',
  };
  const query = route.query === undefined ? '' : (route.query as { required?: readonly string[] }).required?.[0];
  const path = route.path.replace(/:(\w+)/g, (_, name: string) => values[name] ?? '0'.repeat(32));
  return query === '' || query === undefined ? path : `${path}?${query}=0`;
}

async function ask(test: TestServer, session: RawSession, [name, route]: [string, Route], names: Names) {
  const body = bodyOf(name, names);
  const target = targetOf(route, names, body);
  const response = await fetch(
    test.server.url + target,
    signedRequest(test, session, { method: route.method, target, body }),
  );
  return { status: response.status, bytes: new Uint8Array(await response.arrayBuffer()) };
}

async function keptAccount(test: TestServer): Promise<Names> {
  const account = createAccountFixture();
  await test.signUp(account);
  const pack = createPack(account.vault, 1, 1);
  const { head } = await storeSnapshot(test.clientOf(account), account, { packs: [pack] });
  const [snapshot] = await test.clientOf(account).snapshots(account.vault);
  const { vault } = account;
  const ticket = random(16);
  await openPairing(test.surroundings, account.accountId, ticket);
  await ownerSession(test, account);
  const [open] = await openSessions(test.surroundings, account.accountId);
  const session = open?.sessionId ?? empty;
  const [grant, slot] = [account.grants[0]?.name ?? empty, account.slots[0]?.slotId ?? empty];
  return { account, vault, grant, slot, object: snapshot?.object ?? empty, ticket, session, pack, head };
}

it('refuses a device that only backs up everything but its own few routes, and writes that into the log', async () => {
  await using test = await createTestServer();
  const own = await keptAccount(test);
  const session = await deviceSession(test, own.account);
  const mayNot: string[] = [];
  for (const named of guarded) {
    const [name, route] = named;
    const allowed = route.action !== undefined && rolesFor[route.action].includes('backup-only');
    const { status } = await ask(test, session, named, own);
    if (allowed) expect([name, status]).not.toEqual([name, 403]);
    else expect([name, status]).toEqual([name, 403]);
    if (!allowed) mayNot.push(`${route.method} ${route.path}`);
    if (!route.path.includes(':vault')) continue;
    const elsewhere = await ask(test, session, named, { ...own, vault: asVaultId(random(16)) });
    expect([name, elsewhere.status]).toEqual([name, 403]);
  }
  expect(mayNot.length).toBeGreaterThan(10);
  // A second walk adds nothing: a thief cannot fill the log.
  const { database } = test.surroundings;
  const log = async () => await database.read(async (sql) => await auditEntries(sql, own.account.accountId, 0));
  const before = (await log()).length;
  for (const named of guarded) await ask(test, session, named, own);
  const entries = await log();
  expect(entries.length).toBe(before);
  const decoded = entries.map((entry) => decodeCbor(entry) as ReadonlyMap<number, unknown>);
  const refused = decoded.filter((entry) => entry.get(5) === 'refused');
  for (const what of mayNot) expect(refused.map((entry) => entry.get(8))).toContain(what);
  for (const entry of refused) expect(entry.get(7)).toEqual(own.account.devices[0]?.deviceId);
  for (const [at, entry] of decoded.slice(1).entries()) {
    expect(entry.get(3)).toEqual(new Uint8Array(auditHash(entries[at] as Uint8Array)));
  }
  expect(await test.clientOf(own.account).snapshots(own.vault)).toMatchObject([
    { seq: 1, state: 'active' },
    { seq: 2 },
  ]);
});

it('answers about what is of another account as about what is nowhere, whoever asks', async () => {
  await using test = await createTestServer();
  const victim = await keptAccount(test);
  const other = await keptAccount(test);
  const absent = createAccountFixture();
  const nowhere: Names = {
    ...victim,
    account: absent,
    vault: absent.vault,
    grant: random(32),
    slot: random(16),
    object: random(32),
    ticket: random(16),
    session: random(16),
    pack: createPack(absent.vault, 1, 1),
  };
  const texts = ({ vault, grant, object, pack, account }: Names): string[] =>
    [vault, grant, object, pack.id, account.accountId].flatMap((id) => [
      toHex(id),
      Buffer.from(id).toString('base64url'),
    ]);
  for (const session of [await deviceSession(test, other.account), await ownerSession(test, other.account)]) {
    for (const named of guarded) {
      const [name, { path }] = named;
      // They name nothing: what they answer is the asker's own.
      if (!path.includes(':') && name !== 'appendKeychain') continue;
      if (['putSlot', 'removeSlot', 'putGrant', 'openPairing'].includes(name)) continue;
      const [theirs, none] = [await ask(test, session, named, victim), await ask(test, session, named, nowhere)];
      // An entry that does not come next moves nothing, whose it may be.
      if (name !== 'appendKeychain') expect([name, theirs.status >= 400]).toEqual([name, true]);
      const plain = ({ bytes }: typeof theirs, names: Names): string =>
        texts(names).reduce((text, id) => text.replaceAll(id, 'ID'), new TextDecoder().decode(bytes));
      expect([name, theirs.status, plain(theirs, victim)]).toEqual([name, none.status, plain(none, nowhere)]);
    }
  }
  const kept = test.clientOf(victim.account);
  expect(await kept.head(victim.vault)).toEqual(victim.head);
  expect(await kept.keychain(0)).toEqual(victim.account.keychain);
  const open = await openSessions(test.surroundings, victim.account.accountId);
  expect(open.map(({ sessionId }) => toHex(sessionId))).toEqual([toHex(victim.session)]);
});

it('lets nobody administer who is no admin, whatever he has shown of himself', async () => {
  await using test = await createTestServer();
  const own = await keptAccount(test);
  const session = await ownerSession(test, own.account);
  const administering = guarded.filter(([, { action }]) => action === 'administer');
  expect(administering.length).toBeGreaterThan(4);
  for (const named of administering) {
    const { status, bytes } = await ask(test, session, named, own);
    expect([named[0], status, new TextDecoder().decode(bytes)]).toEqual([
      named[0],
      403,
      expect.stringContaining('only an admin'),
    ]);
  }
});

it('asks strangers for a session on every route that is not theirs', async () => {
  await using test = await createTestServer();
  const names = await keptAccount(test);
  for (const [name, route] of guarded) {
    const body = bodyOf(name, names);
    const target = targetOf(route, names, body);
    const init = { method: route.method, ...(body !== undefined && { body: body as Uint8Array<ArrayBuffer> }) };
    for (const headers of [{}, { authorization: `DPoP ${sha256Text('guess')}`, dpop: 'a.b.c' }]) {
      const response = await fetch(test.server.url + target, { ...init, headers });
      expect([name, response.status]).toEqual([name, 401]);
    }
  }
});
