import { randomBytes } from 'node:crypto';
import { toHex } from '@keephold/bytes';
import type { BlobId } from '@keephold/protocol';
import * as fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { NodeType } from '../../node-fields.ts';
import { FixtureRepository } from '../restore/_fixture-repository.ts';
import { inProcessWorker } from '../restore/_in-process-worker.ts';
import { type CatOptions, cat } from './cat.ts';

let repository: FixtureRepository;
beforeEach(() => {
  repository = new FixtureRepository();
});

const bytes = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

async function read(path = 'f', options: Partial<CatOptions> = {}): Promise<Buffer> {
  const pieces: Buffer[] = [];
  const spawnWorker = inProcessWorker(() => {
    throw new Error('nothing is written here');
  });
  await cat({
    repository,
    snapshot: repository.snapshot,
    path: Buffer.from(path),
    write: (piece) => void pieces.push(Buffer.from(piece)),
    spawnWorker,
    workers: 2,
    signal: new AbortController().signal,
    ...options,
  });
  return Buffer.concat(pieces);
}

describe('cat', () => {
  it('streams small, empty and large files in order', async () => {
    const large = Array.from({ length: 30 }, (_, i) =>
      i % 3 === 0 ? new Uint8Array(1_000_000).fill(i) : bytes(700_000),
    );
    const pieces = Array.from({ length: 500 }, (_, i) => (i % 5 === 0 ? new Uint8Array(65_536) : bytes(65_536)));
    repository.root([
      repository.file('empty'),
      repository.file('small', { parts: [bytes(10), Buffer.from('end')] }),
      repository.file('large', { parts: large }),
      repository.file('pieces', { parts: pieces, list: true }),
      repository.directory('d', []),
    ]);
    expect(await read('empty')).toHaveLength(0);
    expect((await read('small')).subarray(10).toString()).toBe('end');
    expect((await read('large')).equals(Buffer.concat(large))).toBe(true);
    expect((await read('pieces')).equals(Buffer.concat(pieces))).toBe(true);
    await expect(read('d')).rejects.toMatchObject({ code: 'refused' });
    await expect(read('none')).rejects.toMatchObject({ code: 'not-found' });
  });

  it('waits for whoever takes the bytes, and never changes them meanwhile', async () => {
    const parts = Array.from({ length: 20 }, () => bytes(900_000));
    repository.root([repository.file('f', { parts })]);
    const got: Buffer[] = [];
    let busy = 0;
    await read('f', {
      write: async (piece) => {
        expect(++busy).toBe(1);
        await new Promise((resolve) => setTimeout(resolve, 3));
        got.push(Buffer.from(piece));
        busy--;
      },
    });
    expect(Buffer.concat(got).equals(Buffer.concat(parts))).toBe(true);
  });

  it('goes around damage when there is another place, and gives nothing after it when there is none', async () => {
    const parts = Array.from({ length: 10 }, () => bytes(1_000_000));
    repository.root([repository.file('f', { parts })]);
    repository.damagePage(0, 60);
    expect((await read()).equals(Buffer.concat(parts))).toBe(true);
    const id = new Uint8Array(32);
    repository.bulk.blobId(1, parts[3]!, id);
    repository.lost.add(toHex(id));
    const got: Buffer[] = [];
    await expect(read('f', { write: (piece) => void got.push(Buffer.from(piece)) })).rejects.toMatchObject({
      code: 'missing',
    });
    expect(Buffer.concat(parts).subarray(0, Buffer.concat(got).length).equals(Buffer.concat(got))).toBe(true);
    expect(Buffer.concat(got).length).toBeLessThanOrEqual(3_000_000);
  });

  it('goes around a pack that is missing', async () => {
    const parts = Array.from({ length: 5 }, () => bytes(1_000_000));
    repository.root([repository.file('f', { parts })]);
    repository.packs[0]!.bytes = undefined;
    expect((await read()).equals(Buffer.concat(parts))).toBe(true);
  });

  it('reads nothing for the holes of a sparse file, as a restore does', async () => {
    // A blob that is stored nowhere.
    const hole = { blob: new Uint8Array(32).fill(7) as BlobId, length: 1_000_000 };
    for (const [name, length] of Object.entries({ small: 3, large: 40 })) {
      repository = new FixtureRepository();
      const data = Array.from({ length }, () => bytes(900_000));
      const stored = data.map((part) => ({ blob: repository.blob(part), length: part.length }));
      const holes = data.map((_, i) => [i * 1_900_000, 1_000_000] as const);
      const size = length * 1_900_000;
      repository.root([repository.file(name, { content: stored.flatMap((part) => [hole, part]), size, holes })]);
      const whole = Buffer.concat(data.flatMap((part) => [new Uint8Array(1_000_000), part]));
      expect((await read(name)).equals(whole), name).toBe(true);
    }
  });

  it('stops when it is told to', async () => {
    repository.root([repository.file('f', { parts: Array.from({ length: 20 }, () => bytes(1_000_000)) })]);
    const abort = new AbortController();
    let pieces = 0;
    const write = (): void => {
      if (++pieces === 2) abort.abort(new Error('enough'));
    };
    await expect(read('f', { signal: abort.signal, write })).rejects.toThrow('enough');
    expect(pieces).toBe(2);
  });

  it('refuses what was not captured', async () => {
    repository.root([repository.file('f', { note: 'unreadable: EACCES' }), repository.other('g', NodeType.fifo)]);
    await expect(read('f')).rejects.toMatchObject({ code: 'refused' });
    await expect(read('g')).rejects.toMatchObject({ code: 'refused' });
  });

  it('gives any sequence of repeated parts back', async () => {
    const pool = Array.from({ length: 6 }, (_, i) => bytes(40_000 + i * 90_000));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(5), { minLength: 8, maxLength: 60 }), async (picks) => {
        repository = new FixtureRepository();
        const parts = [...picks.map((pick) => pool[pick]!), new Uint8Array(2_200_000).fill(1)];
        repository.root([repository.file('f', { parts })]);
        expect((await read()).equals(Buffer.concat(parts))).toBe(true);
      }),
      { numRuns: 10 },
    );
  });
});
