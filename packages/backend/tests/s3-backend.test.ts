import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { backendSuite, emptied, type Fault, faultyProxy, s3Note, s3Options, testStore } from '@keephold/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { S3Backend, type S3BackendOptions } from '../src/index.ts';

const CONTENT = Uint8Array.from({ length: 5000 }, (_, index) => index % 253);
const quickly = { sleep: async () => undefined };

describe.skipIf(testStore === undefined)(`S3${s3Note}`, () => {
  backendSuite('S3', async () => {
    const backend = new S3Backend(s3Options());
    return { backend, [Symbol.asyncDispose]: async () => await emptied(backend) };
  });

  describe('S3Backend', () => {
    let options: S3BackendOptions;
    let backend: S3Backend;
    beforeEach(() => {
      options = s3Options();
      backend = new S3Backend(options);
    });
    afterEach(async () => await emptied(backend));

    it('lets exactly one of several processes create each name', async () => {
      const names = Array.from({ length: 12 }, (_, index) => `chain/${index}`);
      const script = join(import.meta.dirname, '_creating-process.ts');
      const args = ['--conditions=@keephold/source', script, options.prefix, ...names];
      const children = [1, 2, 3].map(() => spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] }));
      const lines = children.map((child) => createInterface({ input: child.stdout })[Symbol.asyncIterator]());
      for (const line of lines) expect((await line.next()).value).toBe('ready');
      for (const child of children) child.stdin.write('go\n');
      const told = await Promise.all(lines.map(async (line) => JSON.parse((await line.next()).value ?? '') as Told));
      await Promise.all(children.map(async (child) => child.exitCode ?? (await once(child, 'exit'))));
      expect(told.flatMap(({ created }) => created).sort()).toEqual([...names].sort());
      for (const { pid, created } of told) {
        for (const name of created) expect(Buffer.from((await backend.get(name)) ?? []).toString()).toBe(String(pid));
      }
    }, 120_000);

    it('neither sees nor touches what else lies in the bucket', async () => {
      const beside = new S3Backend({ ...options, prefix: `${options.prefix}-beside` });
      await beside.put('a', CONTENT);
      await backend.put('a', CONTENT);
      await backend.delete('a');
      const seen: string[] = [];
      for await (const { name } of backend.list('')) seen.push(name);
      expect(seen).toEqual([]);
      expect(await beside.get('a')).toEqual(CONTENT);
      await emptied(beside);
    });

    it('has bytes refused that are not those of the name', async () => {
      const wrong = { sha256: new Uint8Array(32).fill(7) };
      const writing = new S3Backend({ ...options, attempts: 1 }).put('a', CONTENT, wrong);
      await expect(writing).rejects.toMatchObject({ name: 'BackendError', code: 'io' });
      expect(await backend.stat('a')).toBeUndefined();
    });

    it.each([
      ['a wrong secret', { secretAccessKey: 'wrong' }],
      ['an unknown key', { accessKeyId: 'nobody' }],
    ])('says no-permission for %s, at once', async (_, change) => {
      const waiting = async (): Promise<void> => expect.fail('it tried again');
      const refused = new S3Backend({ ...options, ...change, sleep: waiting });
      const denied = { code: 'no-permission', permanent: true };
      await expect(refused.put('a', CONTENT)).rejects.toMatchObject(denied);
      await expect(refused.get('a')).rejects.toMatchObject(denied);
      await expect(refused.stat('a')).rejects.toMatchObject(denied);
      await expect(refused.checkStore()).rejects.toMatchObject(denied);
    });

    it('says of a bucket that is not there that it is not there, instead of that it is empty', async () => {
      const nowhere = new S3Backend({ ...options, bucket: 'no-such-bucket' });
      await expect(nowhere.checkStore()).rejects.toThrow('NoSuchBucket');
      await expect(nowhere.get('a')).rejects.toThrow('NoSuchBucket');
      await expect(nowhere.put('a', CONTENT)).rejects.toThrow('NoSuchBucket');
    });

    it('explains a clock that is wrong', async () => {
      const tomorrow = new S3Backend({ ...options, now: () => Date.now() + 86_400_000 });
      await expect(tomorrow.get('a')).rejects.toThrow(/the clock here is 14(39|40|41) minutes ahead of the store's/);
      await expect(tomorrow.get('a')).rejects.toMatchObject({ code: 'no-permission' });
    });

    it.each<readonly [string, Fault]>([
      ['500', { kind: 'status', status: 500 }],
      ['503', { kind: 'status', status: 503 }],
      ['a reset', { kind: 'reset' }],
      ['silence', { kind: 'silence' }],
      ['an answer cut short', { kind: 'cut' }],
      ['a lost answer', { kind: 'lost-answer' }],
    ])(
      'gets over %s in every call',
      async (_, fault) => {
        const once = async <T>(work: (faulty: S3Backend) => Promise<T>): Promise<T> => {
          await using proxy = await faultyProxy(options.endpoint, [fault, fault]);
          const faulty = new S3Backend({ ...options, ...quickly, endpoint: proxy.endpoint, patience: 1000 });
          const outcome = await work(faulty);
          expect(proxy.seen()).toBeGreaterThan(fault.kind === 'cut' ? 0 : 2);
          faulty.close();
          return outcome;
        };
        // A silent answer to a create-only write has no body to cut: those calls just succeed.
        if (fault.kind !== 'cut') {
          expect(await once(async (faulty) => await faulty.putNew('x', CONTENT))).toBe('created');
          await once(async (faulty) => await faulty.put('x', CONTENT));
          expect((await once(async (faulty) => await faulty.stat('x')))?.size).toBe(CONTENT.length);
        } else await backend.put('x', CONTENT);
        expect(await once(async (faulty) => await faulty.get('x'))).toEqual(CONTENT);
        const into = new Uint8Array(new SharedArrayBuffer(100));
        const part = await once(async (faulty) => await faulty.get('x', { offset: 50, into }));
        expect(new Uint8Array(part ?? [])).toEqual(CONTENT.slice(50, 150));
        if (fault.kind === 'cut') return;
        await once(async (faulty) => await faulty.delete('x'));
        expect(await backend.stat('x')).toBeUndefined();
      },
      60_000,
    );

    it('does not take for its own what another created while its answer was lost', async () => {
      await backend.put('x', CONTENT);
      await using proxy = await faultyProxy(options.endpoint, [{ kind: 'lost-answer' }]);
      const faulty = new S3Backend({ ...options, ...quickly, endpoint: proxy.endpoint });
      expect(await faulty.putNew('x', new Uint8Array([1]))).toBe('exists');
      expect(await backend.get('x')).toEqual(CONTENT);
    });

    it('gives up after its attempts with an error that may be tried again, having waited longer and longer', async () => {
      const faults = Array.from({ length: 10 }, (): Fault => ({ kind: 'status', status: 503 }));
      await using proxy = await faultyProxy(options.endpoint, faults);
      const waits: number[] = [];
      const sleep = async (wait: number): Promise<void> => void waits.push(wait);
      const faulty = new S3Backend({ ...options, endpoint: proxy.endpoint, sleep, random: () => 0.5 });
      await expect(faulty.put('x', CONTENT)).rejects.toMatchObject({ code: 'io', permanent: false });
      expect(proxy.seen()).toBe(6);
      expect(waits).toEqual([100, 200, 400, 800, 1600]);
    });
  });
});

interface Told {
  readonly pid: number;
  readonly created: readonly string[];
}
