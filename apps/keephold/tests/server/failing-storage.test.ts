/** A server before a real S3 store that answers 500, 503, slowly or not at all: clients get over it or are told. */
import { S3Backend } from '@keephold/backend';
import {
  createAccountFixture,
  createPack,
  emptied,
  type Fault,
  faultyProxy,
  s3Note,
  s3Options,
  storeSnapshot,
  testStore,
} from '@keephold/testkit';
import { describe, expect, it } from 'vitest';
import { createTestServer, type TestServer } from './_test-server.ts';

const status = (code: number): Fault => ({ kind: 'status', status: code });

interface Broken extends AsyncDisposable {
  readonly test: TestServer;
  /** What happens to the requests from now on. */
  readonly next: (faults: readonly Fault[]) => void;
}

async function serverBefore(): Promise<Broken> {
  const faults: Fault[] = [];
  const options = s3Options();
  const proxy = await faultyProxy(options.endpoint, faults);
  const sound = new S3Backend(options);
  const quick = { sleep: async (): Promise<void> => {}, patience: 300, attempts: 3 };
  const backend = new S3Backend({ ...options, ...quick, endpoint: proxy.endpoint });
  const test = await createTestServer({
    parts: async (folder) => ({ database: { kind: 'files', folder }, storage: { kind: 'bucket', backend } }),
  });
  return {
    test,
    next: (more) => {
      faults.length = proxy.seen();
      faults.push(...more);
    },
    [Symbol.asyncDispose]: async () => {
      await test[Symbol.asyncDispose]();
      backend.close();
      await proxy[Symbol.asyncDispose]();
      await emptied(sound);
    },
  };
}

describe.skipIf(testStore === undefined)(`a store that fails${s3Note}`, () => {
  it.each<readonly [string, readonly Fault[]]>([
    ['500 and 503 now and then', [status(500), status(503), status(503), status(500), status(503)]],
    ['500 for as long as the server tries', Array.from({ length: 9 }, () => status(500))],
    ['silence', [{ kind: 'silence' }, { kind: 'silence' }, { kind: 'silence' }, { kind: 'silence' }]],
    ['lost answers', Array.from({ length: 4 }, () => ({ kind: 'lost-answer' as const }))],
  ])('does not keep clients from storing: %s', async (_, faults) => {
    const account = createAccountFixture();
    await using broken = await serverBefore();
    await broken.test.signUp(account);
    const custody = await broken.test.ownerOf(account);
    const first = await storeSnapshot(custody, account, { packs: [createPack(account.vault, 1, 1)] });
    broken.next(faults);
    const second = await storeSnapshot(custody, account, { packs: [createPack(account.vault, 1, 2)], parent: first });
    expect(second.seq).toBe(2);
    expect(await custody.refset(account.vault, 2)).toEqual(second.refset);
    expect(await custody.audit(account.vault)).toEqual([]);
  });

  it('is told to clients when it stays so, and all is there when it comes back', async () => {
    const account = createAccountFixture();
    await using broken = await serverBefore();
    await broken.test.signUp(account);
    const custody = await broken.test.ownerOf(account);
    const first = await storeSnapshot(custody, account, { packs: [createPack(account.vault, 1, 1)] });
    const pack = createPack(account.vault, 2, 1);
    broken.next(Array.from({ length: 1000 }, () => status(503)));
    await expect(custody.putPack(account.vault, pack.id, pack.bytes)).rejects.toMatchObject({ code: 'unavailable' });
    await expect(custody.head(account.vault)).rejects.toMatchObject({ code: 'unavailable' });
    broken.next([]);
    expect(await custody.head(account.vault)).toEqual(first.head);
    expect((await storeSnapshot(custody, account, { packs: [pack], parent: first })).seq).toBe(2);
  });
});
