/** Several processes on one repository at once, without locks of their own: all succeed. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toHex } from '@keephold/bytes';
import { asPackId, type CommitRequest, sortPackIds } from '@keephold/protocol';
import {
  type AccountFixture,
  createAccountFixture,
  createCommit,
  createObject,
  createPack,
  type FixtureDevice,
  hasPostgres,
  postgresNote,
  startPostgres,
} from '@keephold/testkit';
import { describe, expect, it } from 'vitest';
import { openKeeper } from '../src/index.ts';
import { openPostgres } from '../src/sql.ts';
import { createTestRepository } from './_repository.ts';

const ROUNDS = 8;

interface Answer {
  readonly kind: string;
  readonly seq: number;
  readonly hash: string;
}

/** A child that does what it is told with the repository; keys stay here. */
class Writer {
  readonly #child: ChildProcess;
  #isKilled = false;

  constructor(...args: readonly string[]) {
    this.#child = fork(join(import.meta.dirname, '_writer-process.ts'), args, {
      execArgv: ['--conditions=@keephold/source', '--disable-warning=ExperimentalWarning'],
      serialization: 'advanced',
    });
    this.#child.once('exit', (code) => {
      if (code !== 0 && !this.#isKilled) console.error(`writer ended with ${code}`);
    });
  }

  async ask(message: unknown): Promise<Answer> {
    return await new Promise((resolve, reject) => {
      this.#child.once('message', (answer) => {
        const { error } = answer as { error?: string };
        if (error === undefined) resolve(answer as Answer);
        else reject(new Error(error));
      });
      this.#child.send(message as object);
    });
  }

  stop(): void {
    this.#child.disconnect();
  }

  async kill(): Promise<void> {
    this.#isKilled = true;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }
}

/** Stores so many snapshots, each with a pack of its own, as a device on a keeper does. */
async function storeRounds(
  account: AccountFixture,
  device: FixtureDevice,
  { writer, rounds, onStored }: StoreRounds,
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const pack = createPack(account.vault, 1, 1);
    const object = createObject();
    let head = await writer.ask({ kind: 'put', vault: account.vault, pack, object });
    for (;;) {
      const request: CommitRequest = createCommit({
        account,
        device,
        head: { seq: head.seq, hash: Buffer.from(head.hash, 'hex') },
        snapshotObject: object.name,
        packsAdded: sortPackIds([pack.id]),
        refset: sortPackIds([pack.id]),
      });
      head = await writer.ask({ kind: 'commit', vault: account.vault, request });
      if (head.kind === 'accepted') break;
      expect(head.kind).toBe('head-moved');
    }
    onStored?.(head.seq);
  }
}

interface StoreRounds {
  readonly writer: Writer;
  readonly rounds: number;
  readonly onStored?: (seq: number) => void;
}

describe('two processes', () => {
  it('both commit all they have, in one chain without gaps', async () => {
    const account = createAccountFixture({ devices: 2 });
    await using repository = await createTestRepository(account);
    const writers = account.devices.map(() => new Writer(repository.path));
    await Promise.all(
      writers.map(
        async (writer, index) =>
          await storeRounds(account, account.devices[index] as FixtureDevice, { writer, rounds: ROUNDS }),
      ),
    );
    for (const writer of writers) writer.stop();
    const { custody } = repository;
    expect((await custody.head(account.vault)).seq).toBe(2 * ROUNDS);
    const snapshots = await custody.snapshots(account.vault);
    expect(snapshots.map(({ seq }) => seq)).toEqual(Array.from({ length: 2 * ROUNDS }, (_, index) => index + 1));
    expect((await custody.referablePacks(account.vault)).length / 32).toBe(2 * ROUNDS);
  }, 60_000);
});

describe.skipIf(!hasPostgres)(`processes that share PostgreSQL${postgresNote}`, () => {
  it('commit all they were told is there, in one chain, whichever of them is killed', async () => {
    await using cluster = await startPostgres();
    const account = createAccountFixture({ devices: 3 });
    const url = await cluster.newDatabase();
    const path = await mkdtemp(join(tmpdir(), 'keephold-shared-'));
    const database = await openPostgres({ url, random: () => 0.5 });
    const storage = { kind: 'folder', path } as const;
    const keeper = await openKeeper({ database: { kind: 'shared', database }, storage });
    await keeper.create(account);
    const writers = account.devices.map(() => new Writer(path, url, toHex(account.accountId)));
    const told: number[] = [];
    const [victim, ...others] = writers as [Writer, Writer, Writer];
    const [first, ...rest] = account.devices as [FixtureDevice, FixtureDevice, FixtureDevice];
    // It dies holding whatever it holds: the answer of its last round never comes.
    let killed: Promise<void> | undefined;
    const onStored = (seq: number): void => {
      told.push(seq);
      if (told.length >= ROUNDS) killed ??= victim.kill();
    };
    void storeRounds(account, first, { writer: victim, rounds: 10 * ROUNDS, onStored: (seq) => told.push(seq) });
    await Promise.all(
      others.map(
        async (writer, index) =>
          await storeRounds(account, rest[index] as FixtureDevice, { writer, rounds: ROUNDS, onStored }),
      ),
    );
    await killed;
    for (const writer of others) writer.stop();
    const custody = await keeper.open(account.accountId);
    const { seq: head } = await custody.head(account.vault);
    const snapshots = await custody.snapshots(account.vault);
    expect(snapshots.map(({ seq }) => seq)).toEqual(Array.from({ length: head }, (_, index) => index + 1));
    expect(told.filter((seq, index) => seq > head || told.indexOf(seq) !== index)).toEqual([]);
    // The victim may have committed one that it told nobody of.
    expect(head - told.length).toBeLessThanOrEqual(1);
    const into = new Uint8Array(100_000);
    for (const { seq } of snapshots) {
      const [id] = [await custody.refset(account.vault, seq)];
      expect(await custody.getPack(account.vault, asPackId(id), into)).toBeGreaterThan(65_000);
    }
    await custody[Symbol.asyncDispose]();
    await database.close();
    await rm(path, { recursive: true, force: true });
  }, 120_000);
});
