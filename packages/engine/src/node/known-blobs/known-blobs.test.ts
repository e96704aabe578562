import { createHash } from 'node:crypto';
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { ClaimJob } from './_claim-worker.ts';
import { ARENA_RECORDS } from './blob-arena.ts';
import { KnownBlobStore } from './known-blob-store.ts';
import { NEW_BLOB, THIS_RUN } from './known-blobs.ts';

const base = mkdtempSync(join(tmpdir(), 'keephold-known-'));
afterAll(() => rmSync(base, { recursive: true }));
const start = { seq: 0, hash: new Uint8Array(32) };
let folder: string;
let folders = 0;
beforeEach(() => {
  folder = join(base, String(folders++));
  mkdirSync(folder);
});

const id = (n: number): Uint8Array => createHash('sha256').update(String(n)).digest();
const covered = (seq: number) => ({ seq, hash: id(seq + 1e9) });

/** Rows of the blobs of one pack. */
function rows(numbers: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(numbers.length * 48);
  numbers.forEach((n, i) => bytes.set(id(n), i * 48));
  return bytes;
}

/** `packs` packs of `each` blobs; blob n is in pack n / each. */
function filled(packs: number, each: number): KnownBlobStore {
  const store = KnownBlobStore.open(folder, start);
  for (let pack = 0; pack < packs; pack++) {
    store.addCommitted(id(1e6 + pack), rows(Array.from({ length: each }, (_, i) => pack * each + i)));
  }
  store.settle(covered(1));
  return store;
}

/** Pack id in hex that the store has the blob in, or what it says instead. */
function whereIs(store: KnownBlobStore, n: number): string {
  const found = store.known.find(id(n));
  return found >= 0 ? Buffer.from(store.packId(found)).toString('hex') : String(found);
}

const packOf = (n: number, each: number): string => Buffer.from(id(1e6 + Math.floor(n / each))).toString('hex');

describe('known blobs', () => {
  it('are claimed once however many threads ask, and none is lost', async () => {
    const store = filled(3, 1000);
    const gate = new SharedArrayBuffer(4);
    const threads = 3;
    new Int32Array(gate)[0] = threads;
    const ids = new Uint8Array(40_000 * 32);
    for (let i = 0; i < 40_000; i++) ids.set(id(i % 2 === 0 ? i : 1000 + (i % 5000)), i * 32);
    const answers = await Promise.all(
      Array.from({ length: threads }, async () => {
        const workerData: ClaimJob = { shared: store.shared, ids, gate };
        const worker = new Worker(new URL('_claim-worker.ts', import.meta.url), { workerData });
        return await new Promise<{ answers: Int32Array; records: Uint32Array }>((resolve, reject) => {
          worker.on('message', resolve);
          worker.on('error', reject);
        });
      }),
    );
    const claims = new Map<string, number>();
    const recordOf = new Map<string, number>();
    for (const thread of answers) {
      thread.answers.forEach((answer, i) => {
        const key = Buffer.from(ids.subarray(i * 32, i * 32 + 32)).toString('hex');
        if (answer === NEW_BLOB) claims.set(key, (claims.get(key) ?? 0) + 1);
        if (answer >= 0) return;
        expect(recordOf.get(key) ?? thread.records[i]).toBe(thread.records[i]);
        recordOf.set(key, thread.records[i] as number);
      });
    }
    expect([...claims.values()].every((count) => count === 1)).toBe(true);
    expect(claims.size).toBe(recordOf.size);
    expect(new Set(recordOf.values()).size).toBe(recordOf.size);
    for (let i = 0; i < 40_000; i++) {
      const found = store.known.find(ids.subarray(i * 32, i * 32 + 32));
      expect(found === THIS_RUN || found >= 0).toBe(true);
    }
    store.close();
  });

  it('are the same after the files were read again, and forgotten when nothing was committed', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.nat(5000), { maxLength: 60 }), { maxLength: 12 }), (packs) => {
        rmSync(folder, { recursive: true });
        mkdirSync(folder);
        const truth = new Map<number, string>();
        let seq = 0;
        for (const numbers of packs) {
          const store = KnownBlobStore.open(folder, start);
          expect(store.covered.seq).toBe(seq);
          store.known.findOrClaim(id(999_999));
          store.close();
          const again = KnownBlobStore.open(folder, start);
          const packId = id(1e7 + seq);
          again.addCommitted(packId, rows(numbers));
          for (const n of numbers) if (!truth.has(n)) truth.set(n, Buffer.from(packId).toString('hex'));
          for (const [n, pack] of truth) if (again.known.find(id(n)) !== THIS_RUN) expect(whereIs(again, n)).toBe(pack);
          again.settle(covered(++seq));
          for (const [n, pack] of truth) expect(whereIs(again, n)).toBe(pack);
          expect(whereIs(again, 999_999)).toBe(String(NEW_BLOB));
          again.close();
        }
      }),
      { numRuns: 12 },
    );
  });

  it('keep their record numbers when a commit moves them into the file', () => {
    const store = filled(1, 10);
    store.known.findOrClaim(id(500));
    const record = store.known.record;
    store.setPack(record, store.packNumber(id(77)));
    expect(store.packOf(record)).toBe(store.packNumber(id(77)));
    store.settle(covered(2));
    store.known.findOrClaim(id(501));
    expect(Buffer.compare(store.packId(store.packOf(record)), id(77))).toBe(0);
    store.close();
  });

  it('outgrow their table', () => {
    const each = 30_000;
    const store = KnownBlobStore.open(folder, start);
    const before = store.blocks;
    for (let pack = 0; pack < 20; pack++) {
      store.addCommitted(id(1e6 + pack), rows(Array.from({ length: each }, (_, i) => pack * each + i)));
    }
    store.settle(covered(1));
    expect(store.blocks).toBeGreaterThan(before);
    store.close();
    const again = KnownBlobStore.open(folder, start);
    expect(again.records).toBe(20 * each);
    for (let n = 0; n < 20 * each; n += 997) expect(whereIs(again, n)).toBe(packOf(n, each));
    again.close();
  });

  it('of packs that are gone are left out when the table grows', () => {
    const store = filled(3, 1000);
    store.setDeadPacks((packId) => Buffer.compare(packId, id(1e6 + 1)) === 0);
    const more = Array.from({ length: 40_000 }, (_, i) => 3000 + i);
    store.addCommitted(id(5e6), rows(more));
    store.settle(covered(2));
    expect(store.records).toBe(42_000);
    store.close();
    const again = KnownBlobStore.open(folder, start);
    for (let n = 0; n < 3000; n += 7)
      expect(whereIs(again, n)).toBe(Math.floor(n / 1000) === 1 ? String(NEW_BLOB) : packOf(n, 1000));
    again.close();
  });

  it('refuse more than the arena holds, and go on after a commit', () => {
    const store = KnownBlobStore.open(folder, start);
    const bytes = new Uint8Array(32);
    const view = new DataView(bytes.buffer);
    const next = (n: number): Uint8Array => {
      view.setUint32(0, Math.imul(n, 0x9e37_79b1));
      view.setUint32(8, n);
      return bytes;
    };
    for (let n = 0; n < ARENA_RECORDS; n++) {
      store.known.findOrClaim(next(n));
      store.setPack(store.known.record, 0);
    }
    store.packNumber(id(0));
    expect(store.known.arenaRoom).toBe(0);
    expect(() => store.known.findOrClaim(next(ARENA_RECORDS))).toThrow(/checkpoint/);
    // The slot is free again: nobody waits for it for ever.
    expect(store.known.find(next(ARENA_RECORDS))).toBe(NEW_BLOB);
    store.settle(covered(1));
    expect(store.known.findOrClaim(next(ARENA_RECORDS))).toBe(NEW_BLOB);
    expect(store.known.find(next(5))).toBe(0);
    store.close();
  });

  it('in packs that are gone are stored again, and found in their new place', () => {
    const store = filled(3, 10);
    store.setDeadPacks((packId) => Buffer.compare(packId, id(1e6 + 1)) === 0);
    expect(whereIs(store, 5)).toBe(packOf(5, 10));
    expect(store.known.findOrClaim(id(15))).toBe(NEW_BLOB);
    store.setPack(store.known.record, store.packNumber(id(88)));
    store.settle(covered(2));
    expect(whereIs(store, 15)).toBe(Buffer.from(id(88)).toString('hex'));
    expect(whereIs(store, 16)).toBe(String(NEW_BLOB));
    store.close();
  });
});

describe('cache files that are not what was written', () => {
  const names = ['known-table', 'known-filter', 'known-packs'];

  /** Opens it and looks for everything: nothing may be known in another pack than it is in. */
  function expectNothingFalse(each: number, packs: number): number {
    const store = KnownBlobStore.open(folder, start);
    let known = 0;
    for (let n = 0; n < packs * each + 50; n++) {
      const found = whereIs(store, n);
      if (found === String(NEW_BLOB)) continue;
      expect(n).toBeLessThan(packs * each);
      expect(found).toBe(packOf(n, each));
      known++;
    }
    store.close();
    return known;
  }

  it('are never believed: flipped bits, cut ends, missing files', () => {
    filled(4, 40).close();
    const kept = new Map(names.map((name) => [name, readFileSync(join(folder, name))]));
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.constantFrom('flip', 'cut', 'remove', 'zero'),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.nat(7),
        (name, how, where, bit) => {
          for (const [file, bytes] of kept) writeFileSync(join(folder, file), bytes);
          const path = join(folder, name);
          const bytes = Buffer.from(kept.get(name) as Buffer);
          // Blocks are mostly empty: look where something stands, the head included.
          const block = Math.floor((where * bytes.length) / 4096) * 4096;
          const at =
            name === 'known-table' && bit % 2 === 0 ? block + ((bit * 53) % 300) : Math.floor(where * bytes.length);
          if (how === 'remove') rmSync(path);
          else if (how === 'cut') truncateSync(path, at);
          else {
            if (how === 'flip') bytes[at]! ^= 1 << bit;
            else bytes.fill(0, at, Math.min(bytes.length, at + 4096));
            writeFileSync(path, bytes);
          }
          expectNothingFalse(40, 4);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('are never believed when all blocks say that they are full', () => {
    filled(4, 40).close();
    const table = readFileSync(join(folder, 'known-table'));
    table.fill(0xff, 4096);
    writeFileSync(join(folder, 'known-table'), table);
    expect(expectNothingFalse(40, 4)).toBe(0);
  });

  it('are as good as before without the filter, which is made again', () => {
    filled(4, 40).close();
    rmSync(join(folder, 'known-filter'));
    expect(expectNothingFalse(40, 4)).toBe(160);
    expect(existsSync(join(folder, 'known-filter'))).toBe(true);
  });

  it('are good when a crash left blobs in the table that the head does not speak of', () => {
    filled(4, 40).close();
    const head = readFileSync(join(folder, 'known-table')).subarray(0, 4096);
    secondCommit([5, 4]);
    putBack('known-table', head);
    const store = KnownBlobStore.open(folder, start);
    expect(store.covered.seq).toBe(1);
    for (let n = 0; n < 240; n++) expect(whereIs(store, n)).toBe(packOf(n, 40));
    // The order of packs is another when they are read again.
    for (const pack of [4, 5]) store.addCommitted(id(1e6 + pack), packRows(pack));
    store.settle(covered(2));
    store.close();
    expect(expectNothingFalse(40, 6)).toBe(240);
  });

  it('are not believed where a lost number of a pack was given to another', () => {
    filled(4, 40).close();
    const head = readFileSync(join(folder, 'known-table')).subarray(0, 4096);
    const packs = readFileSync(join(folder, 'known-packs'));
    secondCommit([5, 4]);
    putBack('known-table', head);
    writeFileSync(join(folder, 'known-packs'), packs);
    const store = KnownBlobStore.open(folder, start);
    for (const pack of [6, 7]) store.addCommitted(id(1e6 + pack), packRows(pack));
    store.settle(covered(2));
    store.close();
    const again = KnownBlobStore.open(folder, start);
    for (let n = 0; n < 320; n++)
      expect(whereIs(again, n)).toBe(n >= 160 && n < 240 ? String(NEW_BLOB) : packOf(n, 40));
    again.close();
  });

  const packRows = (pack: number): Uint8Array => rows(Array.from({ length: 40 }, (_, i) => pack * 40 + i));

  function secondCommit(packs: readonly number[]): void {
    const store = KnownBlobStore.open(folder, start);
    for (const pack of packs) store.addCommitted(id(1e6 + pack), packRows(pack));
    store.settle(covered(2));
    store.close();
  }

  function putBack(name: string, bytes: Uint8Array): void {
    const file = openSync(join(folder, name), 'r+');
    writeSync(file, bytes, 0, bytes.length, 0);
    closeSync(file);
  }

  it('are never believed together with those of another numbering', () => {
    filled(4, 40).close();
    const mine = folder;
    const other = join(base, String(folders++));
    mkdirSync(other);
    const store = KnownBlobStore.open(other, start);
    // The same blobs, the same packs, in another order.
    for (const pack of [3, 2, 1, 0])
      store.addCommitted(id(1e6 + pack), rows(Array.from({ length: 40 }, (_, i) => pack * 40 + i)));
    store.settle(covered(1));
    store.close();
    for (const name of names) {
      const kept = readFileSync(join(mine, name));
      copyFileSync(join(other, name), join(mine, name));
      expectNothingFalse(40, 4);
      for (const file of names) if (existsSync(join(mine, file))) rmSync(join(mine, file));
      filled(4, 40).close();
      expect(kept.length).toBeGreaterThan(0);
    }
  });
});
