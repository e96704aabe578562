/** How many packs a restore has in memory. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { TreeNode } from '../../node-fields.ts';
import { FixtureRepository } from './_fixture-repository.ts';
import { inProcessWorker } from './_in-process-worker.ts';
import { type PlainConfig, PlainTarget } from './_plain-target.ts';
import { restore } from './restore.ts';

const WORKERS = 2;
let root: string;
let repository: FixtureRepository;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'keephold-packs-at-once-'));
  repository = new FixtureRepository();
});
afterEach(() => rmSync(root, { recursive: true }));

/** Most packs that were being fetched at the same time. Each fetch waits until no other can begin any more. */
async function packsAtOnce(): Promise<number> {
  let fetching = 0;
  let most = 0;
  repository.onGetPack = async () => {
    most = Math.max(most, ++fetching);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    fetching--;
  };
  const createTarget = (config: PlainConfig): PlainTarget => new PlainTarget(config);
  const { failed } = await restore<PlainConfig>({
    repository,
    snapshot: repository.snapshot,
    path: new Uint8Array(0),
    target: { root: join(root, 'out') },
    createTarget,
    spawnWorker: inProcessWorker(createTarget),
    workers: WORKERS,
    overwrite: 'if-changed',
    delete: false,
    dryRun: false,
    durable: false,
    signal: new AbortController().signal,
  });
  expect(failed).toBe(0);
  return most;
}

/** Files in a pack each. */
function filesInPacks(count: number): TreeNode[] {
  return Array.from({ length: count }, (_, i) => {
    const file = repository.file(`a${i}`, { parts: [new Uint8Array(randomBytes(1000))] });
    repository.seal();
    return file;
  });
}

it('fetches one more than there are workers when there is little to restore', async () => {
  repository.root(filesInPacks(6));
  expect(await packsAtOnce()).toBe(WORKERS + 1);
});

it('fetches no more than there are workers when the plan takes the memory', async () => {
  const many = Array.from({ length: 4000 }, (_, i) => repository.file(`b${i}`));
  repository.root([...filesInPacks(6), ...many]);
  expect(await packsAtOnce()).toBe(WORKERS);
});
