/** A second factor as its owner meets it: the command on several computers against one server, and requests of old logins. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { auditEntries, invite } from '@keephold/accounts';
import { decodeCbor } from '@keephold/bytes';
import { systemRandom } from '@keephold/crypto';
import { type Route, routes } from '@keephold/protocol/http';
import { createAccountFixture } from '@keephold/testkit';
import { expect, it } from 'vitest';
import { openServer } from '../../src/access/server-custody.ts';
import { readEnvironment } from '../../src/environment.ts';
import { runProgram } from '../../src/program.ts';
import { fakeStream } from '../../src/terminal/_fake-stream.ts';
import { codeAt } from '../accounts/_server.ts';
import { ownerSession, type RawSession, signedRequest } from './_signed-requests.ts';
import { createTestServer, type TestServer } from './_test-server.ts';

const PASSWORD = 'plover tangent ochre lagoon';
const STEP = 30_000;

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface Asked {
  /** Answers a question; undefined: nobody is there. */
  readonly answer?: (question: string, shown: string) => string;
  readonly variables?: Readonly<Record<string, string>>;
}

/** A computer with a state of its own. */
function computer(home: string, name: string) {
  const folder = (what: string): string => join(home, name, what);
  return async (args: readonly string[], { answer, variables }: Asked = {}): Promise<Ran> => {
    const [stdout, stderr] = [fakeStream(), fakeStream()];
    const environment = readEnvironment({
      XDG_CONFIG_HOME: folder('config'),
      XDG_STATE_HOME: folder('state'),
      XDG_CACHE_HOME: folder('cache'),
      XDG_DATA_HOME: folder('data'),
      KEEPHOLD_PASSWORD: PASSWORD,
      ...variables,
    });
    const ask = async (question: string): Promise<string> => answer?.(question, stdout.text) ?? '';
    const code = await runProgram({
      args,
      stdout,
      stderr,
      environment,
      terminal: { canAsk: answer !== undefined, ask, askSecret: ask },
      signal: new AbortController().signal,
      version: '0.0.0',
      openRepository: async (place, { askCode }) => await openServer(environment, place, { askCode }),
      now: Date.now,
    });
    return { code, stdout: stdout.text, stderr: stderr.text };
  };
}

/** As an authenticator app reads it. */
function secretIn(shown: string): Uint8Array {
  const [, key = ''] = /"key":"([A-Z2-7]{32})"/.exec(shown) ?? [];
  const bits = [...key].map((letter) =>
    'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'),
  );
  return new Uint8Array((bits.join('').match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
}

async function invitationTo({ surroundings }: TestServer): Promise<string> {
  const now = surroundings.now();
  const wanted = { now, expiresAt: now + 60_000, random: systemRandom };
  return (await surroundings.database.transaction(async (sql) => await invite(sql, wanted))).code;
}

it('asks for a code wherever the password is given, and for none where the words are', {
  timeout: 240_000,
}, async () => {
  let ahead = 0;
  const now = (): number => Date.now() + ahead;
  await using test = await createTestServer({ now });
  const home = await mkdtemp(join(tmpdir(), 'keephold-factor-'));
  const { url } = test.server;
  const repo = ['--repo', url];
  const first = computer(home, 'first');
  const made = await first(['init', '--json', ...repo, '--invitation', await invitationTo(test), '--account', 'ann']);
  expect(made.code).toBe(0);

  let secret: Uint8Array = new Uint8Array();
  const answers = [(): string => codeAt(secret, now() + 9 * STEP), (): string => codeAt(secret, now())];
  const added = await first(['account', 'factor', 'add', '--json', ...repo], {
    answer: (_, shown) => {
      secret = secretIn(shown);
      return answers.shift()?.() ?? '';
    },
  });
  expect([added.code, added.stderr]).toEqual([0, expect.stringContaining('that is not it')]);
  const { recoveryCodes } = JSON.parse(added.stdout.split('\n').find((line) => line.includes('recoveryCodes')) ?? '');
  expect(recoveryCodes).toHaveLength(10);

  ahead += STEP;
  const second = computer(home, 'second');
  const login = ['login', url, '--account', 'ann'];
  const without = await second(login);
  expect([without.code, without.stderr]).toEqual([2, expect.stringMatching(/second factor.*\n.*--code CODE/)]);
  const code = codeAt(secret, now());
  const typed = ['12', codeAt(secret, now() + 9 * STEP), ` ${code.slice(0, 3)} ${code.slice(3)}`];
  const asked = await second(login, { answer: () => typed.shift() ?? '' });
  expect([asked.code, asked.stderr]).toEqual([0, expect.stringMatching(/six digits[^]*once more/)]);
  const used = await computer(home, 'third')([...login, '--code', code]);
  expect([used.code, used.stderr]).toEqual([12, expect.stringContaining('the code is wrong, too old, or was used')]);
  const recovered = await computer(home, 'third')(login, { variables: { KEEPHOLD_CODE: recoveryCodes[0] } });
  expect(recovered.code).toBe(0);
  expect((await second(['account', 'factor', ...repo])).stdout).toMatch(/since .*; 9 recovery codes left/);

  const { wordsFile } = JSON.parse(made.stdout.split('\n')[0] ?? '') as { readonly wordsFile: string };
  const byWords = { variables: { KEEPHOLD_PASSWORD: '', KEEPHOLD_PASSWORD_FILE: wordsFile } };
  expect((await computer(home, 'fourth')(login, byWords)).code).toBe(0);
  // What a device may goes on as before.
  expect((await second(['snapshots', ...repo], { variables: { KEEPHOLD_PASSWORD: '' } })).code).toBe(0);

  const renewed = await second(['account', 'factor', 'codes', '--json', ...repo, '--code', recoveryCodes[1]]);
  expect([renewed.code, renewed.stderr]).toEqual([0, '']);
  expect(JSON.parse(renewed.stdout).recoveryCodes).toHaveLength(10);
  expect(JSON.parse(renewed.stdout).recoveryCodes).not.toContain(recoveryCodes[2]);
  const removed = await second(['account', 'factor', 'remove', ...repo, '--code', codeAt(secret, now() + STEP)]);
  expect([removed.code, removed.stderr]).toEqual([0, '']);
  expect((await second(['account', 'factor', ...repo])).stdout).toContain('the password is enough');
  expect((await computer(home, 'fifth')(login)).code).toBe(0);
  const none = await second(['account', 'factor', 'codes', ...repo]);
  expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('has no second factor')]);
  await rm(home, { recursive: true, force: true });
});

async function statusOf(test: TestServer, session: RawSession, route: Route, at: number): Promise<number> {
  const target = route.path.replace(/:(\w+)/g, () => '0'.repeat(32)) + (route.query === undefined ? '' : '?from=0');
  const body = route.body === undefined ? undefined : new TextEncoder().encode('{}');
  const change = { iat: Math.floor(at / 1000) };
  const request = signedRequest(test, session, { method: route.method, target, body, change });
  return (await fetch(test.server.url + target, request)).status;
}

it('wants the password or the words anew for what is dangerous when they were shown five minutes ago', async () => {
  let time = Date.now();
  await using test = await createTestServer({ now: () => time });
  const account = createAccountFixture();
  await test.signUp(account);
  const session = await ownerSession(test, account);
  const dangerous = (Object.values(routes) as Route[]).filter(({ stepUp }) => stepUp === true);
  expect(dangerous.map(({ method, path }) => `${method} ${path}`).toSorted()).toEqual([
    'DELETE /v1/account/factor',
    'POST /v1/account/factor/codes',
    'POST /v1/account/factor/start',
    'POST /v1/account/password/start',
    'POST /v1/admin/users/suspension',
    'POST /v1/vaults/:vault/trash',
    'PUT /v1/account/pairings/:ticket',
  ]);
  time += 5 * 60_000 - 1000;
  for (const route of dangerous) expect([route.path, await statusOf(test, session, route, time)]).not.toContain(401);
  time += 1000;
  for (const route of dangerous) {
    // That of a vault that is not there is refused as such before.
    const status = route.path.includes(':vault') ? 422 : 401;
    expect([route.path, await statusOf(test, session, route, time)]).toEqual([route.path, status]);
  }
  expect(await statusOf(test, session, routes.keychain, time)).toBe(200);
  const { database } = test.surroundings;
  const log = await database.read(async (sql) => await auditEntries(sql, account.accountId, 0));
  expect(log.map((entry) => (decodeCbor(entry) as ReadonlyMap<number, unknown>).get(5))).not.toContain('factor-added');
});
