/**
 * The real command against a real server that lies, over HTTP: the rows of security.md §11 that need one. Each ends in an
 * error that says what is wrong, and nothing wrong is handed out. What each lie does in all its forms is tried without HTTP
 * in ../keeper/malicious-keeper.test.ts.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeCbor, encodeCbor } from '@keephold/bytes';
import {
  acceptAndForget,
  acceptAnother,
  changeCommits,
  changeObjects,
  changePacks,
  createAccountFixture,
  createPack,
  hideCommitsAfter,
  hideEntriesAfter,
  type Lie,
  recordCalls,
  storeSnapshot,
} from '@keephold/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { expectNothingWrong, LiedToComputer } from './_lying-server.ts';
import { createTestServer } from './_test-server.ts';

const DAY = 86_400_000;
let computer: LiedToComputer;
beforeAll(async () => {
  computer = await LiedToComputer.create();
}, 120_000);
afterAll(async () => await computer[Symbol.asyncDispose]());
beforeEach(() => computer.forget());

const flip = (bytes: Uint8Array): Uint8Array => bytes.with(bytes.length - 100, bytes.at(-100)! ^ 1);
const SNAPSHOT = 0x20;
const SESSION = 0x11;
const only =
  (type: number, change: (bytes: Uint8Array) => Uint8Array | undefined) =>
  (bytes: Uint8Array): Uint8Array | undefined =>
    bytes[5] === type ? change(bytes) : bytes;

it('docs/malicious-server.md has all rows, and names tests that are there and speak of them', () => {
  const root = join(import.meta.dirname, '../../../..');
  const text = readFileSync(join(root, 'docs/malicious-server.md'), 'utf8');
  const own = readFileSync(import.meta.filename, 'utf8');
  for (let row = 1; row <= 18; row++) {
    const line = text.split('\n').find((one) => one.startsWith(`| M${row} |`)) ?? '';
    const files = [...line.matchAll(/`([^`]+\.ts)`/g)].map(([, path = '']) => path);
    expect([row, files.length > 0 || line.includes('not built')]).toEqual([row, true]);
    for (const path of files) expect([path, existsSync(join(root, path))]).toEqual([path, true]);
    if (line.includes('lying-server')) expect(own).toMatch(new RegExp(`M${row}\\b[:,]`));
  }
});

describe('over HTTP', () => {
  it.each<readonly [string, Lie, RegExp]>([
    ['M1: an altered page of each pack', changePacks(flip), /damaged-pack/],
    ['M1: packs that are cut', changePacks((bytes) => bytes.subarray(0, -65_552)), /damaged-pack|missing-pack/],
    ['M1: altered snapshot objects', changeObjects(only(SNAPSHOT, flip)), /"kind":"(?:commit|record)"/],
    ['M1: an altered commit', changeCommits((bytes, seq) => (seq === 2 ? flip(bytes) : bytes)), /commit 2/],
    ['M4: packs withheld', changePacks(() => undefined), /missing-pack/],
    ['M4: session objects withheld', changeObjects(only(SESSION, () => undefined)), /no session object|is not there/],
    ['M6: packs of another version', changePacks((bytes) => bytes.with(4, bytes[4]! ^ 0x10)), /damaged-pack/],
  ])('%s: found, and nothing of it is handed out', async (_, lie, found) => {
    await expectNothingWrong(computer, [lie], found);
  });

  it('M2: an older head, or keychain, is refused', async () => {
    const cut: Lie = (truth) => ({
      keychain: async (from) => await hideEntriesAfter((await truth.keychain(0)).length - 1)(truth).keychain!(from),
    });
    for (const lie of [hideCommitsAfter(2), cut]) {
      for (const [verb, ...args] of [['backup', computer.source], ['snapshots'], ['check']] as const) {
        const ran = await computer.runLiedTo([lie], verb, ...args);
        expect([verb, ran.says]).toEqual([verb, expect.stringMatching(/exit code 13[^]*"code":"rollback"/)]);
      }
    }
  });

  it('M3, M11: a commit accepted as another is refused; one accepted and not kept is a rollback to the next run', async () => {
    writeFileSync(join(computer.source, 'note'), 'four');
    const another = await computer.runLiedTo([acceptAnother], 'backup', computer.source);
    expect(another.says).toMatch(/exit code 13[^]*"code":"fork"/);
    computer.forget();
    await computer.run('backup', computer.source);
    writeFileSync(join(computer.source, 'note'), 'five');
    expect((await computer.runLiedTo([acceptAndForget], 'backup', computer.source)).failed).toBe(false);
    const next = await computer.runLiedTo([], 'backup', computer.source);
    expect(next.says).toMatch(/exit code 13[^]*"code":"rollback"/);
  });

  it('M5: another keychain than that of the account stops a new computer, whose password the server never got', async () => {
    const other = createAccountFixture();
    const lie: Lie = () => ({ keychain: async () => other.keychain });
    const login = async (): Promise<string> => await computer.runAs('new', 'login', '--account', 'ann');
    const refused = await computer.whileLying([lie], login);
    expect(refused.says).toMatch(/exit code 13[^]*"code":"account-mismatch"/);
    expect(computer.test.lines.join('')).not.toContain('plover');
  });

  it('M6: a cheaper password slot is refused before anything is computed with it', async () => {
    const { database } = computer.test.surroundings;
    const slotsOf = async (): Promise<readonly (readonly unknown[])[]> =>
      await database.read(async (sql) => await sql.query('SELECT account_id, slot FROM password'));
    const [[accountId, slot] = []] = (await slotsOf()) as readonly (readonly Uint8Array[])[];
    const record = new Map(decodeCbor(slot!) as Map<number, never>);
    const cheap = encodeCbor(
      record.set(
        4,
        new Map([
          [0, 8],
          [1, 1],
          [2, 1],
        ]) as never,
      ) as never,
    );
    const put = async (bytes: Uint8Array): Promise<void> => {
      await database.transaction(
        async (sql) => await sql.query('UPDATE password SET slot = ? WHERE account_id = ?', bytes, accountId!),
      );
    };
    await put(cheap);
    const list = await computer.runLiedTo([], 'keys', 'list');
    await put(slot!);
    expect(list.says).toMatch(/exit code 1[23][^]*"code":"(?:downgrade-argon2|way-in-damaged)"/);
  });

  it('M12: a snapshot that the operator lets expire before its time is told as purged early', async () => {
    const expired = await computer.asOperator(async (custody, vault) => {
      await custody.trash(vault, [1]);
      return (await custody.collect(vault, { trashDays: 0 })).expiredSnapshots;
    });
    expect(expired).toBe(1);
    const check = await computer.runLiedTo([], 'check');
    expect(check.says).toMatch(/exit code 13[^]*snapshot #1 was purged early/);
  });

  it('M15: other files of as many bytes look the same to the server and in its log', { timeout: 60_000 }, async () => {
    const views = [];
    for (const [name, files] of [
      ['bob', { letters: 200_000, diary: 200_000 }],
      ['eve', { 'report 7': 260_000, x: 140_000 }],
    ] as const) {
      const source = join(computer.home, `of ${name}`);
      mkdirSync(source);
      for (const [file, length] of Object.entries(files)) writeFileSync(join(source, file), randomBytes(length));
      await computer.signUp(name);
      const seen: string[] = [];
      const before = computer.test.lines.length;
      const backup = async (): Promise<string> => await computer.runAs(name, 'backup', source);
      expect((await computer.whileLying([recordCalls(seen)], backup)).failed).toBe(false);
      const log = computer.test.lines.slice(before).map((line) => {
        const { method, route, status } = JSON.parse(line) as Record<string, unknown>;
        return `${String(method)} ${String(route)} ${String(status)}`;
      });
      views.push({ seen: seen.toSorted(), log: log.toSorted() });
    }
    expect(views[0]?.seen.length).toBeGreaterThan(3);
    expect(views[1]).toEqual(views[0]);
  });

  it('M18: a device that floods a vault for a year moves nothing that was there out of it', async () => {
    let time = Date.now();
    const now = (): number => time;
    const account = createAccountFixture();
    await using test = await createTestServer({ open: { clock: { now } } });
    await test.signUp(account);
    const client = test.clientOf(account);
    const kept: number[] = [];
    for (let week = 0; week < 4; week++, time += 7 * DAY) {
      const packs = [createPack(account.vault, 1, 1)];
      kept.push((await storeSnapshot(client, account, { packs })).seq);
    }
    for (let day = 0; day < 365; day += 10, time += 10 * DAY) {
      for (const kind of ['snapshot', 'checkpoint'] as const) await storeSnapshot(client, account, { kind });
      await test.keeper.use(account.accountId, async (custody) => await custody.collect(account.vault, {}));
    }
    const snapshots = await client.snapshots(account.vault);
    expect(snapshots.filter(({ seq }) => kept.includes(seq)).map(({ state }) => state)).toEqual(
      kept.map(() => 'active'),
    );
    expect(await client.audit(account.vault)).toEqual([]);
  });
});
