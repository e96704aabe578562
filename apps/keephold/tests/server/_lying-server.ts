/** A real server whose keeper lies, and computers that use it by commands (security.md §11, M1 to M18). */
import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { invite } from '@keephold/accounts';
import { systemRandom } from '@keephold/crypto';
import { asAccountId, asVaultId, type Custody, type VaultId } from '@keephold/protocol';
import type { Lie } from '@keephold/testkit';
import { expect } from 'vitest';
import { commandsIn, outputOf } from './_commands.ts';
import { createTestServer, type TestServer } from './_test-server.ts';

const PASSWORD = 'plover tangent ochre lagoon';
const DAY = 86_400_000;

export interface Ran {
  readonly failed: boolean;
  /** All it said, its exit code before it when it failed. */
  readonly says: string;
}

/** A computer with three snapshots of a folder, at a server that lies when it is told to. */
export class LiedToComputer implements AsyncDisposable {
  readonly test: TestServer;
  readonly home: string;
  readonly #lies: { list: readonly Lie[] };

  private constructor(test: TestServer, home: string, lies: { list: readonly Lie[] }) {
    this.test = test;
    this.home = home;
    this.#lies = lies;
  }

  static async create(): Promise<LiedToComputer> {
    const lies: { list: readonly Lie[] } = { list: [] };
    const test = await createTestServer({ lies: () => lies.list });
    const computer = new LiedToComputer(test, mkdtempSync(join(tmpdir(), 'keephold-lied-to-')), lies);
    mkdirSync(computer.source);
    writeFileSync(join(computer.source, 'photo'), randomBytes(300_000));
    await computer.signUp('ann');
    for (const note of ['one', 'two', 'three']) {
      writeFileSync(join(computer.source, 'note'), note);
      await computer.run('backup', computer.source);
    }
    cpSync(join(computer.home, 'ann'), join(computer.home, 'kept'), { recursive: true });
    return computer;
  }

  get source(): string {
    return join(this.home, 'source');
  }

  /** What the computer knows is what it knew after the three snapshots; the server has what it was given. */
  forget(): void {
    rmSync(join(this.home, 'ann'), { recursive: true });
    cpSync(join(this.home, 'kept'), join(this.home, 'ann'), { recursive: true });
  }

  async signUp(name: string): Promise<void> {
    const { database } = this.test.surroundings;
    const now = Date.now();
    const wanted = { now, expiresAt: now + DAY, random: systemRandom } as const;
    const { code } = await database.transaction(async (sql) => await invite(sql, wanted));
    await this.run('init', '--invitation', code, '--account', name, '--trusted');
  }

  async run(verb: string, ...args: readonly string[]): Promise<string> {
    const who = args.includes('--account') ? (args[args.indexOf('--account') + 1] ?? 'ann') : 'ann';
    return await this.runAs(who, verb, ...args);
  }

  async runAs(name: string, verb: string, ...args: readonly string[]): Promise<string> {
    const place = verb === 'login' ? [this.test.server.url] : ['--repo', this.test.server.url];
    return await outputOf(commandsIn(join(this.home, name), PASSWORD).start(verb, '--json', ...place, ...args));
  }

  /** The command while the server tells these lies. */
  async runLiedTo(lies: readonly Lie[], verb: string, ...args: readonly string[]): Promise<Ran> {
    return await this.whileLying(lies, async () => await this.run(verb, ...args));
  }

  async whileLying(lies: readonly Lie[], work: () => Promise<string>): Promise<Ran> {
    this.#lies.list = lies;
    try {
      return { failed: false, says: await work() };
    } catch (error) {
      return { failed: true, says: String(error) };
    } finally {
      this.#lies.list = [];
    }
  }

  /** Its operator at work on the vault of `ann`. */
  async asOperator<T>(work: (custody: Custody, vault: VaultId) => Promise<T>): Promise<T> {
    const [row] = await this.test.surroundings.database.read(
      async (sql) => await sql.query("SELECT account_id FROM account WHERE name = 'ann'"),
    );
    const accountId = asAccountId(row?.[0] as Uint8Array);
    const vaults = join(this.test.folder, 'accounts', Buffer.from(accountId).toString('hex'), 'vaults');
    const [vault = ''] = readdirSync(vaults);
    const vaultId = asVaultId(new Uint8Array(Buffer.from(vault, 'hex')));
    return await this.test.keeper.use(accountId, async (custody) => await work(custody, vaultId));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.test[Symbol.asyncDispose]();
    rmSync(this.home, { recursive: true, force: true });
  }
}

/** Whatever is restored is what was stored; check finds what is wrong. */
export async function expectNothingWrong(computer: LiedToComputer, lies: readonly Lie[], found: RegExp): Promise<void> {
  const out = join(computer.home, 'out');
  await computer.runLiedTo(lies, 'restore', 'latest', '--target', out);
  for (const name of existsSync(out) ? readdirSync(out, { recursive: true, encoding: 'utf8' }) : []) {
    if (!/\/(?:note|photo)$/.test(name)) continue;
    const original = readFileSync(join(computer.source, name.slice(name.lastIndexOf('/') + 1)));
    expect([name, readFileSync(join(out, name)).equals(original)]).toEqual([name, true]);
  }
  rmSync(out, { recursive: true, force: true });
  const check = await computer.runLiedTo(lies, 'check', '--read-data');
  expect(check.says).toMatch(/exit code 13/);
  expect(check.says).toMatch(found);
  expect(check.says).not.toMatch(/RangeError|TypeError/);
}
