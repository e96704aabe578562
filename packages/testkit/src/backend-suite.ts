/** The contract of the Backend seam, as tests that every place where bytes lie passes. */
import type { Backend } from '@keephold/backend';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

export interface SuiteBackend extends AsyncDisposable {
  /** Empty. */
  readonly backend: Backend;
}

const BAD_NAMES = ['', '/', 'a/', '/a', '../a', 'a/../b', 'a//b', '.a', 'A', 'a\\b', 'a\0b', 'a.', 'ä'];
const TOO_LONG = ['a/b/c/d/e/f/g/h/i', 'x'.repeat(200)];
const bytes = (...values: readonly number[]): Uint8Array => new Uint8Array(values);

async function names(backend: Backend, prefix: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { name } of backend.list(prefix)) found.push(name);
  return found;
}

export function backendSuite(what: string, create: () => Promise<SuiteBackend>): void {
  describe(`Backend seam: ${what}`, () => {
    let place: SuiteBackend;
    let backend: Backend;
    beforeEach(async () => {
      place = await create();
      backend = place.backend;
    });
    afterEach(async () => await place[Symbol.asyncDispose]());

    it('stores, replaces, creates once, stats and deletes', async () => {
      expect(await backend.get('a/b')).toBeUndefined();
      expect(await backend.stat('a/b')).toBeUndefined();
      expect(await backend.putNew('a/b', bytes(1, 2, 3))).toBe('created');
      expect(await backend.putNew('a/b', bytes(9))).toBe('exists');
      expect(await backend.get('a/b')).toEqual(bytes(1, 2, 3));
      await backend.put('a/b', bytes(4, 5));
      expect(await backend.get('a/b')).toEqual(bytes(4, 5));
      expect((await backend.stat('a/b'))?.size).toBe(2);
      expect(await backend.touch('a/b')).toBe(true);
      expect(await backend.get('a/b')).toEqual(bytes(4, 5));
      await backend.delete('a/b');
      await backend.delete('a/b');
      expect(await backend.get('a/b')).toBeUndefined();
      expect(await backend.touch('a/b')).toBe(false);
    });

    it('reads ranges, into shared memory too, and answers short at the end', async () => {
      const content = Uint8Array.from({ length: 300 }, (_, index) => index % 251);
      await backend.put('x', content);
      for (const offset of [0, 1, 150, 299, 300, 301]) {
        for (const length of [0, 1, 149, 150, 299, 300, 320]) {
          const expected = content.slice(offset, offset + length);
          const whole = offset === 0 && expected.length === 0 ? undefined : expected;
          expect(await backend.get('x', { offset, length })).toEqual(whole);
          const into = new Uint8Array(new SharedArrayBuffer(length));
          const read = await backend.get('x', { offset, into });
          expect(read === undefined ? undefined : new Uint8Array(read)).toEqual(whole);
          if (read !== undefined) expect(read.buffer).toBe(into.buffer);
        }
        expect(await backend.get('x', { offset })).toEqual(content.slice(offset));
      }
    });

    it('keeps a large pack whole, written from shared memory', async () => {
      const pack = new Uint8Array(new SharedArrayBuffer(16 * 1024 * 1024 + 1000), 1000);
      for (let at = 0; at < pack.length; at += 1021) pack[at] = at % 256;
      let taken = 0;
      expect(await backend.putNew('packs/x', pack, { onWritten: () => taken++ })).toBe('created');
      expect(taken).toBe(1);
      const into = new Uint8Array(new SharedArrayBuffer(pack.length));
      const read = await backend.get('packs/x', { into });
      expect(Buffer.compare(read as Uint8Array, pack)).toBe(0);
    });

    it.each([...BAD_NAMES, ...TOO_LONG])('refuses the name %j', async (name) => {
      const refused = { code: 'bad-name' };
      await expect(backend.put(name, bytes(1))).rejects.toMatchObject(refused);
      await expect(backend.putNew(name, bytes(1))).rejects.toMatchObject(refused);
      await expect(backend.get(name)).rejects.toMatchObject(refused);
      await expect(backend.stat(name)).rejects.toMatchObject(refused);
      await expect(backend.touch(name)).rejects.toMatchObject(refused);
      await expect(backend.delete(name)).rejects.toMatchObject(refused);
      if (name !== '') await expect(names(backend, name)).rejects.toMatchObject(refused);
    });

    it('refuses empty objects', async () => {
      await expect(backend.put('a', bytes())).rejects.toMatchObject({ code: 'bad-name' });
      await expect(backend.putNew('a', bytes())).rejects.toMatchObject({ code: 'bad-name' });
      expect(await backend.stat('a')).toBeUndefined();
    });

    it('lists what lies beneath a folder in order, more than fits on one page', async () => {
      const expected = Array.from({ length: 1050 }, (_, index) => `many/${String(index).padStart(4, '0')}`);
      for (let at = 0; at < expected.length; at += 50) {
        await Promise.all(expected.slice(at, at + 50).map(async (name) => await backend.put(name, bytes(1))));
      }
      for (const name of ['b/2', 'b/10', 'manyother/x', 'c']) await backend.put(name, bytes(1, 2));
      expect(await names(backend, 'many')).toEqual(expected);
      expect(await names(backend, 'b')).toEqual(['b/10', 'b/2']);
      expect(await names(backend, 'none')).toEqual([]);
      expect(await names(backend, '')).toEqual(['b/10', 'b/2', 'c', ...expected, 'manyother/x']);
      for await (const { size } of backend.list('c')) expect(size).toBe(2);
    }, 120_000);

    it('lets exactly one of many create a name', async () => {
      const contents = Array.from({ length: 20 }, (_, index) => new Uint8Array(100).fill(index + 1));
      const outcomes = await Promise.all(contents.map(async (content) => await backend.putNew('chain/1', content)));
      expect(outcomes.filter((outcome) => outcome === 'created')).toHaveLength(1);
      expect(await backend.get('chain/1')).toEqual(contents[outcomes.indexOf('created')]);
    });

    it('stops at an abort, in the middle of a paced write, and leaves no name', async () => {
      const controller = new AbortController();
      let pieces = 0;
      const pace = async (): Promise<void> => {
        pieces += 1;
        if (pieces === 3) controller.abort();
      };
      const options = { signal: controller.signal, pace };
      const writing = backend.putNew('a', new Uint8Array(1_000_000).fill(1), options);
      await expect(writing).rejects.toMatchObject({ name: 'AbortError' });
      expect(pieces).toBeLessThan(5);
      expect(await backend.get('a')).toBeUndefined();
      expect(await backend.putNew('a', bytes(1))).toBe('created');
    });
  });
}
