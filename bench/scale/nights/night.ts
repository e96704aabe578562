/**
 * A night of many devices: each begins its backup when its turn comes, whether those before it have ended or not, as
 * devices do that know nothing of each other. Then everything is looked for again.
 */
import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { SeededRandom } from '../../data/seeded-random.ts';
import { type Backed, backUpOnce, commitOf } from './one-backup.ts';
import type { Account, Custody, Outgoing, Parts } from './parts.ts';
import { type ServerUse, startServer } from './servers.ts';

export interface NightOptions {
  readonly devices: number;
  /** Seconds in which all devices begin. */
  readonly within: number;
  /** So many days of backups are there already. */
  readonly age: number;
  readonly servers: number;
  readonly folder: string;
  /** PostgreSQL; SQLite without it. */
  readonly database: string | undefined;
}

export interface Night {
  readonly seconds: number;
  readonly bytes: number;
  readonly requests: number;
  readonly failures: readonly string[];
  /** The most devices at work at one time. */
  readonly atOnce: number;
  /** Milliseconds, sorted: of all requests but those that carry packs, and of those. */
  readonly metadata: readonly number[];
  readonly transfers: readonly number[];
  readonly servers: readonly ServerUse[];
  /** Devices whose commit or pack was not there afterwards. */
  readonly lost: number;
}

export async function runNight(parts: Parts, options: NightOptions): Promise<Night> {
  const planted = await plant(parts, options);
  const running = await Promise.all(
    Array.from({ length: options.servers }, () => startServer(options.folder, options.database)),
  );
  const load = new Load(parts, { urls: running.map(({ url }) => url), serverId: planted.serverId });
  const start = performance.now();
  const backed = await load.begin(planted.accounts, options.within);
  const seconds = (performance.now() - start) / 1000;
  const lost = await load.missing(planted.accounts, backed);
  const servers = await Promise.all(running.map(async ({ stop }) => await stop()));
  const bytes = backed.reduce((sum, each) => sum + (each?.bytes ?? 0), 0);
  return { seconds, bytes, ...load.result(), servers, lost };
}

/** Accounts with as many nights behind them as asked for; small ones, so that it does not take all day. */
async function plant(
  parts: Parts,
  { devices, age, folder, database }: NightOptions,
): Promise<{ readonly serverId: Uint8Array; readonly accounts: readonly Account[] }> {
  const url = database === undefined ? undefined : new URL(database);
  const places = { database: url, storage: undefined, replica: undefined, folder, now: Date.now, random: Math.random };
  const opened = await parts.openServerParts(places);
  const own = { database: opened.accounts, signUp: 'by-invitation', now: Date.now };
  const { serverId, signer } = await parts.openServerFolder(folder, own);
  const keeper = await parts.openKeeper({ ...opened, optionsOf: () => ({ signer }) });
  const accounts: Account[] = [];
  for (let number = 0; number < devices; number++) {
    const account = parts.createAccountFixture();
    await keeper.create(account);
    const custody = await keeper.open(account.accountId);
    for (let night = 0; night < age; night++) {
      const pack = parts.createPack(account.vault, 1, 1);
      await custody.putPack(account.vault, pack.id, pack.bytes);
      await commitOf(parts, account, custody, [pack]);
    }
    await (custody as unknown as { close?(): Promise<void> }).close?.();
    accounts.push(account);
  }
  await opened.close();
  return { serverId, accounts };
}

class Load {
  readonly #parts: Parts;
  readonly #server: { readonly urls: readonly string[]; readonly serverId: Uint8Array };
  readonly #metadata: number[] = [];
  readonly #transfers: number[] = [];
  readonly #failures: string[] = [];
  #working = 0;
  #atOnce = 0;
  #isMeasuring = true;

  constructor(parts: Parts, server: { readonly urls: readonly string[]; readonly serverId: Uint8Array }) {
    this.#parts = parts;
    this.#server = server;
  }

  /** What each device has stored; undefined where it failed. */
  async begin(accounts: readonly Account[], within: number): Promise<readonly (Backed | undefined)[]> {
    const random = new SeededRandom('night');
    const start = performance.now();
    const backups = accounts.map(async (account, number) => {
      await sleep(random.unit() * within * 1000 - (performance.now() - start));
      return await this.#backUp(account, number);
    });
    const backed = await Promise.all(backups);
    this.#isMeasuring = false;
    return backed;
  }

  async #backUp(account: Account, number: number): Promise<Backed | undefined> {
    this.#atOnce = Math.max(this.#atOnce, ++this.#working);
    try {
      const backed = await backUpOnce(this.#parts, account, this.#client(account, number));
      // A thousand times 20 MB is more than fits: their ids say what they were.
      return { ...backed, packs: backed.packs.map(({ id }) => ({ id, bytes: new Uint8Array(0) })) };
    } catch (error) {
      this.#failures.push(error instanceof Error ? error.message : String(error));
      return undefined;
    } finally {
      this.#working--;
    }
  }

  /** By devices that have just been started: the commit, and every pack of each twentieth device, byte for byte. */
  async missing(accounts: readonly Account[], backed: readonly (Backed | undefined)[]): Promise<number> {
    let missing = 0;
    for (const [number, account] of accounts.entries()) {
      const stored = backed[number];
      const isThere = stored !== undefined && (await this.#has(account, { number, stored }));
      if (!isThere) missing++;
    }
    return missing;
  }

  async #has(account: Account, { number, stored }: { number: number; stored: Backed }): Promise<boolean> {
    const { vault } = account;
    const custody = this.#client(account, number);
    const { seq } = await custody.head(vault);
    const named = Buffer.from(await custody.refset(vault, seq)).toString('hex');
    if (!stored.packs.every(({ id }) => named.includes(Buffer.from(id).toString('hex')))) return false;
    if (number % 20 !== 0) return true;
    const into = new Uint8Array(17 * 1024 * 1024);
    for (const { id } of stored.packs) {
      const length = await custody.getPack(vault, id, into);
      if (length === undefined) return false;
      if (!createHash('sha256').update(into.subarray(0, length)).digest().equals(Buffer.from(id))) return false;
    }
    return true;
  }

  #client({ accountId, devices }: Account, number: number): Custody {
    const { urls, serverId } = this.#server;
    const send = this.#parts.sendByNode();
    const transport = new this.#parts.Transport({
      ...{ origin: urls[number % urls.length], accountId, device: { ...devices[0], serverId } },
      now: Date.now,
      random: (length: number) => new Uint8Array(randomBytes(length)),
      wait: async (milliseconds: number) => await sleep(milliseconds),
      send: async (request: Outgoing) => await this.#measured(request, send),
    });
    return new this.#parts.HttpCustody(transport);
  }

  async #measured(request: Outgoing, send: (request: Outgoing) => Promise<unknown>): Promise<unknown> {
    const start = performance.now();
    const answer = await send(request);
    const took = performance.now() - start;
    if (this.#isMeasuring) (/\/packs\/./.test(request.url) ? this.#transfers : this.#metadata).push(took);
    return answer;
  }

  result(): Pick<Night, 'requests' | 'failures' | 'atOnce' | 'metadata' | 'transfers'> {
    const sorted = (all: readonly number[]): number[] => all.toSorted((a, b) => a - b);
    const [metadata, transfers] = [sorted(this.#metadata), sorted(this.#transfers)];
    const requests = metadata.length + transfers.length;
    return { requests, failures: this.#failures, atOnce: this.#atOnce, metadata, transfers };
  }
}
