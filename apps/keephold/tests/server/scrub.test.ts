/** What is kept is read again in the background: damage is found, told, repaired from the second site or set aside. */
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FolderBackend, S3Backend } from '@keephold/backend';
import { fromHex, toHex } from '@keephold/bytes';
import { DamageList, openKeeper, VaultQueue } from '@keephold/custody';
import { openPostgres, type SqlDatabase, SqliteDatabase } from '@keephold/custody/sql';
import { asAccountId, asVaultId, type Custody, packIdCount } from '@keephold/protocol';
import { OpenAccounts, type ScrubOutcome, startScrubber } from '@keephold/server';
import {
  type AccountFixture,
  createAccountFixture,
  createPack,
  emptied,
  type FixturePack,
  hasPostgres,
  type PostgresCluster,
  postgresNote,
  s3Note,
  s3Options,
  startPostgres,
  storeSnapshot,
  testStore,
} from '@keephold/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { cheapCommandsIn, commandsIn, firstRecord } from './_commands.ts';

const DAY = 86_400_000;
/** As often as a part of a vault is read until all of it was. */
const TURNS = 29;

interface Process {
  readonly keeper: OpenAccounts;
  readonly queue: VaultQueue;
  readonly damage: DamageList;
}

interface Turns {
  readonly outcomes: readonly ScrubOutcome[];
  readonly packs: number;
  readonly repaired: number;
  readonly newlyDamaged: number;
}

for (const kind of ['SQLite', 'PostgreSQL'] as const) {
  const lacking = kind === 'PostgreSQL' && !hasPostgres;
  describe.skipIf(lacking)(`scrubbing on ${kind}${lacking ? postgresNote : ''}`, () => {
    let cluster: PostgresCluster | undefined;
    let folder: string;
    let url: string | undefined;
    let opened: SqlDatabase[];
    let processes: Process[];
    let account: AccountFixture;
    let packs: FixturePack[];
    let time: number;

    beforeAll(async () => {
      if (kind === 'PostgreSQL') cluster = await startPostgres();
    }, 60_000);
    afterAll(async () => await cluster?.[Symbol.asyncDispose]());
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'keephold-scrub-'));
      url = await cluster?.newDatabase();
      [opened, processes, time] = [[], [], Date.now()];
      account = createAccountFixture();
      packs = Array.from({ length: 6 }, () => createPack(account.vault, 1, 1));
      const { keeper, queue } = await addProcess();
      await keeper.create(account);
      await use(async (custody) => {
        for (const pack of packs) await storeSnapshot(custody, account, { packs: [pack] });
      });
      await queue.add(account.accountId, account.vault, time);
    });
    afterEach(async () => {
      for (const { keeper } of processes) await keeper.close();
      for (const database of opened) await database.close();
      await rm(folder, { recursive: true, force: true });
    });

    const addProcess = async (): Promise<Process> => {
      const database =
        url === undefined
          ? await SqliteDatabase.open(join(folder, 'collections.sqlite'))
          : await openPostgres({ url, random: () => 0.5, connections: 4 });
      opened.push(database);
      const keeper = new OpenAccounts(
        await openKeeper({
          database: url === undefined ? { kind: 'files', folder } : { kind: 'shared', database },
          storage: { kind: 'folder', path: folder },
        }),
      );
      const queue = await VaultQueue.open(database, 'scrub');
      const added = { keeper, queue, damage: await DamageList.open(database) };
      processes.push(added);
      return added;
    };

    const use = async (work: (custody: Custody) => Promise<void>): Promise<void> =>
      await (processes[0] as Process).keeper.use(account.accountId, work);

    const lostPacks = async (): Promise<number> => {
      let count = 0;
      await use(async (custody) => void (count = packIdCount(await custody.lostPacks(account.vault))));
      return count;
    };

    const pathOf = (pack: FixturePack): string => {
      const hex = toHex(pack.id);
      const vault = join(folder, toHex(account.accountId), 'vaults', toHex(account.vault));
      return join(vault, 'packs', hex.slice(0, 2), hex);
    };

    const rot = async (pack: FixturePack): Promise<void> => {
      const bytes = Buffer.from(pack.bytes);
      bytes[5000] = (bytes[5000] ?? 0) ^ 1;
      await writeFile(pathOf(pack), bytes);
    };

    /** All processes at once, until nothing is due, on so many days. */
    const scrub = async (days: number, second?: FolderBackend): Promise<Turns> => {
      const outcomes: ScrubOutcome[] = [];
      for (let day = 0; day < days; day++, time += DAY) {
        await Promise.all(
          processes.map(async ({ keeper, queue, damage }) => {
            const idle = Promise.withResolvers<void>();
            const scrubber = startScrubber({
              ...{ keeper, queue, damage, now: () => time, bytesPerSecond: 100_000 },
              placeOf: second && (async () => await Promise.resolve(second)),
              // A wait of a minute is the pause of who has nothing to do; all others hold the rate.
              wait: async (milliseconds) => {
                if (milliseconds === 60_000) idle.resolve();
                await new Promise((resolve) => setImmediate(resolve));
              },
              onScrubbed: (outcome) => outcomes.push(outcome),
            });
            await idle.promise;
            await scrubber.stop();
          }),
        );
      }
      const scrubbed = outcomes.filter((outcome) => outcome.kind === 'scrubbed');
      const sum = (of: (outcome: (typeof scrubbed)[number]) => number): number =>
        scrubbed.reduce((total, outcome) => total + of(outcome), 0);
      return {
        outcomes,
        packs: sum(({ report }) => report.packs),
        repaired: sum(({ report }) => report.repaired),
        newlyDamaged: sum(({ newlyDamaged }) => newlyDamaged),
      };
    };

    it('reads everything once in its turns, however many processes share them', async () => {
      await addProcess();
      const { outcomes, packs: read, newlyDamaged } = await scrub(TURNS);
      expect(outcomes).toHaveLength(TURNS);
      expect([read, newlyDamaged]).toEqual([packs.length, 0]);
      expect(await lostPacks()).toBe(0);
    });

    it('sets aside what is rotten and keeps its bytes, so that the device stores it again', async () => {
      const [rotten, missing] = packs as [FixturePack, FixturePack];
      await rot(rotten);
      await rm(pathOf(missing));
      expect((await scrub(TURNS)).newlyDamaged).toBe(2);
      expect(await lostPacks()).toBe(2);
      const { damage } = processes[0] as Process;
      expect(await damage.byAccount()).toEqual([{ accountId: account.accountId, items: 2 }]);
      const vault = join(folder, toHex(account.accountId), 'vaults', toHex(account.vault));
      expect(await readFile(join(vault, 'damaged', toHex(rotten.id)))).toHaveLength(rotten.bytes.length);
      // Told once, and no longer when it is there again.
      expect((await scrub(1)).newlyDamaged).toBe(0);
      await use(async (custody) => {
        for (const pack of [rotten, missing]) await custody.putPack(account.vault, pack.id, pack.bytes);
      });
      await scrub(1);
      expect([await lostPacks(), await damage.count()]).toEqual([0, 0]);
    });

    // The database has no part in what follows.
    if (kind === 'PostgreSQL') return;

    it('repairs from a second site what that has whole, packs and objects', async () => {
      const second = new FolderBackend({ path: join(folder, 'second') });
      await mkdir(join(folder, 'second'));
      const { signal } = new AbortController();
      await (processes[0] as Process).keeper.use(
        account.accountId,
        async (custody) => void (await custody.replicate(account.vault, { to: second, sweep: 'leave', signal })),
      );
      const [rotten, missing, rottenAtBoth] = packs as [FixturePack, FixturePack, FixturePack];
      for (const pack of [rotten, rottenAtBoth]) await rot(pack);
      await rm(pathOf(missing));
      const there = pathOf(rottenAtBoth).slice(join(folder, toHex(account.accountId)).length + 1);
      await writeFile(join(folder, 'second', there), 'rotten too');
      let objects: string[] = [];
      for await (const { name } of second.list(`vaults/${toHex(account.vault)}/objects`)) objects = [...objects, name];
      const object = join(folder, toHex(account.accountId), objects[0] ?? 'none');
      const before = await readFile(object);
      await writeFile(object, before.subarray(1));

      const { repaired, newlyDamaged } = await scrub(TURNS, second);
      expect([repaired, newlyDamaged, await lostPacks()]).toEqual([3, 1, 1]);
      expect(await readFile(object)).toEqual(before);
      for (const pack of [rotten, missing])
        expect(Buffer.from(pack.bytes).equals(await readFile(pathOf(pack)))).toBe(true);
    });

    it('tells of objects that nobody has any more, and leaves them where they are', async () => {
      const objects = join(folder, toHex(account.accountId), 'vaults', toHex(account.vault), 'objects');
      const { damage } = processes[0] as Process;
      const backend = new FolderBackend({ path: objects });
      for await (const { name } of backend.list('')) await writeFile(join(objects, name), 'rotten');
      const { newlyDamaged } = await scrub(TURNS);
      expect(newlyDamaged).toBeGreaterThan(0);
      expect(await damage.count()).toBe(newlyDamaged);
      for await (const { name } of backend.list('')) expect(await readFile(join(objects, name), 'utf8')).toBe('rotten');
    });

    it('takes nothing for lost in a place that is not there', async () => {
      const place = join(folder, toHex(account.accountId));
      await rename(join(place, 'keephold.format'), join(folder, 'marker'));
      await rename(join(place, 'vaults'), join(folder, 'vaults'));
      await mkdir(join(place, 'vaults', toHex(account.vault), 'packs'), { recursive: true });
      const away = await scrub(TURNS);
      expect(away.outcomes.at(-1)).toEqual({ kind: 'failed', code: 'unavailable' });
      expect(away.newlyDamaged).toBe(0);
      await rm(join(place, 'vaults'), { recursive: true });
      await rename(join(folder, 'vaults'), join(place, 'vaults'));
      await rename(join(folder, 'marker'), join(place, 'keephold.format'));
      expect((await scrub(TURNS)).newlyDamaged).toBe(0);
      expect(await lostPacks()).toBe(0);
    });
  });
}

it.skipIf(testStore === undefined)(`scrubbing finds what is damaged in S3, too${s3Note}`, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'keephold-scrub-s3-'));
  const bucket = new S3Backend(s3Options());
  const account = createAccountFixture();
  const { accountId, vault } = account;
  const keeper = new OpenAccounts(
    await openKeeper({ database: { kind: 'files', folder }, storage: { kind: 'bucket', backend: bucket } }),
  );
  await keeper.create(account);
  const packs = [createPack(vault, 1, 1), createPack(vault, 1, 1)] as const;
  const places = packs
    .map(({ id }) => toHex(id))
    .map((hex) => `vaults/${toHex(vault)}/packs/${hex.slice(0, 2)}/${hex}`);
  const [rottenAt = '', missingAt = ''] = places.map((name) => `${toHex(accountId)}/${name}`);
  const { signal } = new AbortController();
  await keeper.use(accountId, async (custody) => {
    for (const pack of packs) await storeSnapshot(custody, account, { packs: [pack] });
    await bucket.put(rottenAt, packs[0].bytes.slice(1));
    await bucket.delete(missingAt);
    const again = packs.map(({ id }) => ({ kind: 'pack', name: id }) as const);
    const pace = async (): Promise<void> => await Promise.resolve();
    const { damaged } = await custody.scrub(vault, { position: 0, again, repairFrom: undefined, pace, signal });
    expect(damaged).toHaveLength(2);
    expect(packIdCount(await custody.lostPacks(vault))).toBe(2);
    for (const pack of packs) await custody.putPack(vault, pack.id, pack.bytes);
    expect(packIdCount(await custody.lostPacks(vault))).toBe(0);
  });
  await keeper.close();
  await emptied(bucket);
  await rm(folder, { recursive: true, force: true });
});

describe('a server that scrubs', () => {
  let home: string;
  let servers: ChildProcess[];
  beforeEach(async () => {
    [home, servers] = [await mkdtemp(join(tmpdir(), 'keephold-scrubbing-')), []];
  });
  afterEach(async () => {
    for (const server of servers) server.kill('SIGKILL');
    await rm(home, { recursive: true, force: true });
  });

  it('finds a rotten pack, tells its admin, and has it stored again by the next backup', {
    timeout: 120_000,
  }, async () => {
    const atServer = commandsIn(join(home, 'server'));
    const data = join(home, 'srv');
    const start = async (
      address: string,
    ): Promise<{ readonly server: ChildProcess; readonly record: Record<string, unknown> }> => {
      const server = atServer.start('serve', '--json', '--data', data, '--listen', address);
      servers.push(server);
      return { server, record: await firstRecord(server) };
    };
    const first = await start('127.0.0.1:0');
    const ann = cheapCommandsIn(join(home, 'ann'));
    const invitation = String(first.record['invitation']);
    await mkdir(join(home, 'source'));
    await writeFile(join(home, 'source', 'photo'), randomBytes(3_000_000));
    await ann.run(
      'init',
      '--repo',
      String(first.record['url']),
      '--invitation',
      invitation,
      '--account',
      'ann',
      '--trusted',
    );
    await ann.run('backup', '--repo', String(first.record['url']), join(home, 'source'));
    first.server.kill('SIGTERM');
    await once(first.server, 'close');

    const [account = ''] = await readdir(join(data, 'accounts'));
    const [vault = ''] = await readdir(join(data, 'accounts', account, 'vaults'));
    const packsFolder = join(data, 'accounts', account, 'vaults', vault, 'packs');
    const found = await readdir(packsFolder, { recursive: true, withFileTypes: true });
    const files = found.filter((entry) => entry.isFile() && /^[0-9a-f]{64}$/.test(entry.name));
    const sizes = await Promise.all(files.map(async (file) => (await stat(join(file.parentPath, file.name))).size));
    // That of the photo: folders change by themselves, and an old one is nowhere else.
    const pack = files[sizes.indexOf(Math.max(...sizes))];
    if (pack === undefined) throw new Error('the backup left no pack');
    const path = join(pack.parentPath, pack.name);
    const bytes = await readFile(path);
    bytes[bytes.length - 1000] = (bytes[bytes.length - 1000] ?? 0) ^ 1;
    await writeFile(path, bytes);
    // The turn of this very pack: else it would come some day of the month.
    const database = await SqliteDatabase.open(join(data, 'collections.sqlite'));
    const queue = await VaultQueue.open(database, 'scrub');
    await queue.add(asAccountId(fromHex(account)), asVaultId(fromHex(vault)), 0);
    const [job] = await queue.take({ now: Date.now(), leasedUntil: Date.now() + DAY, most: 1 });
    if (job === undefined) throw new Error('the vault is not in the queue');
    await queue.finish(job, { nextDueAt: 0, position: Number.parseInt(pack.name.slice(0, 4), 16), outcome: 'done' });
    await database.close();

    const { server, record } = await start(new URL(String(first.record['url'])).host);
    const told = await lineWith(server, '"job":"scrub"');
    expect(JSON.parse(told)).toMatchObject({ job: 'scrub', repaired: 0, damaged: 1 });
    const repo = ['--repo', String(record['url'])];
    expect(await ann.run('admin', 'users', ...repo)).toContain('admin, 1 file damaged');
    await ann.run('backup', ...repo, join(home, 'source'));
    await ann.run('check', '--read-data', ...repo);
  });
});

async function lineWith(server: ChildProcess, part: string): Promise<string> {
  let text = '';
  for await (const chunk of server.stderr ?? []) {
    text += String(chunk);
    const line = text.split('\n').find((one) => one.includes(part));
    if (line !== undefined) return line;
  }
  throw new Error(`the server ended without ${part}`);
}
