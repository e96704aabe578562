/** Two processes on one repository at once, without locks of their own: both succeed. */
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { type CommitRequest, sortPackIds } from '@keephold/protocol';
import { createAccountFixture, createCommit, createObject, createPack, type FixtureDevice } from '@keephold/testkit';
import { describe, expect, it } from 'vitest';
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

  constructor(path: string) {
    this.#child = fork(join(import.meta.dirname, '_writer-process.ts'), [path], {
      execArgv: ['--conditions=@keephold/source', '--disable-warning=ExperimentalWarning'],
      serialization: 'advanced',
    });
    this.#child.once('exit', (code) => {
      if (code !== 0) console.error(`writer ended with ${code}`);
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
}

describe('two processes', () => {
  it('both commit all they have, in one chain without gaps', async () => {
    const account = createAccountFixture({ devices: 2 });
    await using repository = await createTestRepository(account);
    const writers = account.devices.map(() => new Writer(repository.path));
    const store = async (writer: Writer, device: FixtureDevice): Promise<number> => {
      let retries = 0;
      for (let round = 0; round < ROUNDS; round++) {
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
          retries += 1;
        }
      }
      return retries;
    };
    await Promise.all(
      writers.map(async (writer, index) => await store(writer, account.devices[index] as FixtureDevice)),
    );
    for (const writer of writers) writer.stop();
    const { custody } = repository;
    expect((await custody.head(account.vault)).seq).toBe(2 * ROUNDS);
    const snapshots = await custody.snapshots(account.vault);
    expect(snapshots.map(({ seq }) => seq)).toEqual(Array.from({ length: 2 * ROUNDS }, (_, index) => index + 1));
    expect((await custody.referablePacks(account.vault)).length / 32).toBe(2 * ROUNDS);
  }, 60_000);
});
