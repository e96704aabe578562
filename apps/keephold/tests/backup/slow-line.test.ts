/** A backup whose packs are slow to be stored is ended, and makes checkpoints, without waiting for all of them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toHex } from '@keephold/bytes';
import { type Custody, containsPackId, overrideCustody } from '@keephold/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BackupRepository } from './_backup-repository.ts';
import { RandomTree } from './_random-tree.ts';
import { truthOf } from './_snapshot-truth.ts';

const MIB = 1024 * 1024;
const FULL_PACK = 96 + 256 * 65_552;
/** The short packs of a commit, up to the next size of the ladder, its trees and its records. */
const REST_OF_A_COMMIT = 22 * MIB;

/** Files that are being read when the run is ended, one a worker, are left out whatever is stored of them. */
const IN_HAND = 2;

const realNow = performance.now.bind(performance);

let backups: BackupRepository;
let root: string;

beforeEach(async () => {
  backups = await BackupRepository.create();
  root = join(backups.folder, 'data');
});
afterEach(() => {
  vi.restoreAllMocks();
  backups[Symbol.dispose]();
});

/** Ten minutes: a checkpoint is due, and what is on its way takes long. */
function letTimePass(): void {
  vi.spyOn(performance, 'now').mockImplementation(() => realNow() + 600_000);
}

function fill(folder: string, count: number, size: number): void {
  mkdirSync(folder, { recursive: true });
  for (let i = 0; i < count; i++) writeFileSync(join(folder, `file ${i}`), noise(size));
}

function makeEach(count: number, make: (i: number) => void): void {
  for (let i = 0; i < count; i++) make(i);
}

function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, Math.min(length, at + 65_536)));
  return bytes;
}

/** A line that lets some data packs through and holds all others until it is opened, or they are given up. */
class Line {
  readonly opened = Promise.withResolvers<void>();
  /** Packs that are held now. */
  held = 0;
  commits = 0;
  readonly #pass: (pack: number) => boolean;
  #packs = 0;

  constructor(pass: (pack: number) => boolean) {
    this.#pass = pass;
  }

  readonly wrap = (custody: Custody): Custody =>
    overrideCustody(custody, {
      putPack: async (vault, packId, bytes, options) => {
        const isData = bytes[5] === 1;
        if (isData && !this.#pass(this.#packs++)) await this.#hold(options?.signal);
        await custody.putPack(vault, packId, bytes, options);
      },
      commit: async (vault, request) => {
        const outcome = await custody.commit(vault, request);
        this.commits++;
        return outcome;
      },
    });

  async #hold(signal: AbortSignal | undefined): Promise<void> {
    this.held++;
    const { promise, reject } = Promise.withResolvers<never>();
    signal?.addEventListener('abort', () => reject(new Error('given up')));
    await Promise.race([promise, this.opened.promise]).finally(() => this.held--);
  }
}

async function namesIn(seq?: number): Promise<number> {
  const { problems, paths } = await truthOf(backups, seq === undefined ? {} : { seq });
  expect(problems).toEqual([]);
  return [...paths].filter((path) => path.includes('/file ')).length;
}

/** Files of the latest snapshot all of whose data an earlier one refers to, in which they may be or not. */
async function wholeIn(seq: number): Promise<number> {
  return await backups.read(async (repository) => {
    const refset = await repository.refset({ seq });
    const held = new Set<string>();
    for await (const { packs } of repository.indexObjects('data'))
      for (const { packId, contents } of packs) if (containsPackId(refset, packId)) addIds(held, contents.blobs);
    let whole = 0;
    for await (const { path, node } of repository.walk(await repository.snapshot('latest'))) {
      if (!Buffer.from(path).includes('/file ')) continue;
      let isWhole = true;
      for await (const parts of repository.contentParts(node))
        for (const { blob } of parts) isWhole &&= held.has(toHex(blob));
      if (isWhole) whole++;
    }
    return whole;
  });
}

function addIds(to: Set<string>, rows: Uint8Array): void {
  for (let at = 0; at < rows.length; at += 48) to.add(toHex(rows.subarray(at, at + 32)));
}

async function lastSeq(): Promise<number> {
  return await backups.read(async (repository) => (await repository.snapshots()).length);
}

describe('an interrupted backup over a line that hangs', () => {
  it.each([
    ['one folder', (): void => fill(root, 100, 2 * MIB)],
    ['many folders', (): void => makeEach(50, (i) => fill(join(root, `${i}`, 'a', 'b'), 2, 2 * MIB))],
  ])('keeps in its checkpoint what is stored, and gives up the rest: %s', async (_, make) => {
    make();
    const line = new Line((pack) => pack % 3 === 1);
    const abort = new AbortController();
    const report = await backups.backup({
      roots: [root],
      wrap: line.wrap,
      signal: abort.signal,
      onProgress: () => {
        if (line.held >= 2) abort.abort();
      },
    });
    expect(report).toMatchObject({ kind: 'checkpoint', interrupted: true, isWhole: false });
    expect(line.held).toBe(0);
    const names = await namesIn();
    const data = Math.floor(report.bytesStored / FULL_PACK);
    expect(data).toBeGreaterThanOrEqual(1);
    const next = await backups.backup({ roots: [root] });
    expect(next).toMatchObject({ kind: 'complete', isWhole: true });
    // Frames are put into packs as they fit: which files have all of theirs in those that got through is chance.
    const whole = await wholeIn(1);
    expect(names).toBeLessThanOrEqual(whole);
    expect(names).toBeGreaterThanOrEqual(whole - IN_HAND);
    expect(next.bytesStored).toBeLessThan(200 * MIB - data * 15.5 * MIB + REST_OF_A_COMMIT);
    expect((await truthOf(backups, { root })).problems).toEqual([]);
    expect((await backups.backup({ roots: [root] })).files).toMatchObject({ new: 0, changed: 0, unchanged: 100 });
  });

  it('leaves nothing when nothing is stored', async () => {
    fill(root, 60, 2 * MIB);
    const line = new Line(() => false);
    const abort = new AbortController();
    const report = await backups.backup({
      roots: [root],
      wrap: line.wrap,
      signal: abort.signal,
      onProgress: () => {
        if (line.held > 0) abort.abort();
      },
    });
    expect(report).toMatchObject({ kind: 'none', interrupted: true });
    expect(await lastSeq()).toBe(0);
  });
});

describe('a small backup over a line that hangs', () => {
  /** All of it is read long before anything tells that the line is slow. */
  const waits = async (line: Line): Promise<{ readonly kind: string }> => {
    const abort = new AbortController();
    return await backups.backup({
      roots: [root],
      wrap: line.wrap,
      signal: abort.signal,
      onProgress: ({ bytesRead }) => {
        if (line.held > 0 && bytesRead >= 20 * MIB) abort.abort();
      },
    });
  };

  it('is ended while its last packs are on their way', async () => {
    fill(root, 10, 2 * MIB);
    expect(await waits(new Line(() => false))).toMatchObject({ kind: 'none', interrupted: true });
    expect(await lastSeq()).toBe(0);
    expect(await backups.backup({ roots: [root] })).toMatchObject({ kind: 'complete', files: { new: 10 } });
  });

  it('leaves a checkpoint of what is stored by then', async () => {
    fill(root, 10, 2 * MIB);
    const line = new Line((pack) => pack === 0);
    expect(await waits(line)).toMatchObject({ kind: 'checkpoint', interrupted: true, isWhole: false });
    expect(await namesIn()).toBeGreaterThan(0);
    expect((await backups.backup({ roots: [root] })).kind).toBe('complete');
    expect((await truthOf(backups, { root })).problems).toEqual([]);
  });
});

describe('a checkpoint over a line that hangs', () => {
  it('is of what is stored, and the run goes on from it', async () => {
    fill(root, 150, 2 * MIB);
    // Files that are younger would be looked at again.
    await new Promise((resolve) => setTimeout(resolve, 150));
    const line = new Line((pack) => pack === 1 || pack === 2);
    const report = await backups.backup({
      roots: [root],
      wrap: line.wrap,
      onProgress: () => {
        if (line.held >= 2) letTimePass();
        if (line.commits > 0) line.opened.resolve();
      },
    });
    expect(report).toMatchObject({ kind: 'complete', isWhole: true });
    const count = await lastSeq();
    expect(count).toBeGreaterThan(1);
    const names: number[] = [];
    for (let seq = 1; seq <= count; seq++) names.push(await namesIn(seq));
    expect(names[0]).toBeGreaterThanOrEqual(2);
    expect(names[0]).toBeLessThanOrEqual(16);
    expect(names.at(-1)).toBe(150);
    expect(names).toEqual(names.toSorted((a, b) => a - b));
    expect((await truthOf(backups, { root })).problems).toEqual([]);
    expect(report.bytesStored).toBeLessThan(300 * MIB + 2 * REST_OF_A_COMMIT);
    expect((await backups.backup({ roots: [root] })).files).toMatchObject({ new: 0, changed: 0, unchanged: 150 });
  });

  it('holds for trees of every shape, with files that were there before', async () => {
    const tree = new RandomTree(root, 20_261_126);
    tree.grow(300);
    await backups.backup({ roots: [root] });
    for (let round = 0; round < 3; round++) {
      vi.restoreAllMocks();
      tree.edit(30);
      for (let i = 0; i < 12; i++) fill(join(root, `more ${i % 5}`, `${round}`, `${i}`), 4, 2 * MIB + i);
      const line = new Line((pack) => pack % 4 === round);
      const abort = new AbortController();
      await backups.backup({
        roots: [root],
        wrap: line.wrap,
        signal: abort.signal,
        onProgress: () => {
          if (line.held >= 2) letTimePass();
          if (line.commits > 0) abort.abort();
        },
      });
      const count = await lastSeq();
      for (let seq = 1; seq <= count; seq++) await namesIn(seq);
    }
    expect((await backups.backup({ roots: [root] })).kind).toBe('complete');
    expect((await truthOf(backups, { root })).problems).toEqual([]);
  });
});
