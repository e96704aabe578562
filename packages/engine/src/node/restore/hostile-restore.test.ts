/** Trees that want more than there is: of entries, of memory, of room. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { NodeType, type TreeNode } from '../../node-fields.ts';
import { FixtureRepository } from './_fixture-repository.ts';
import { inProcessWorker } from './_in-process-worker.ts';
import { type PlainConfig, PlainTarget } from './_plain-target.ts';
import type { RestoredItem, RestoreReport } from './account.ts';
import { type RestoreOptions, restore } from './restore.ts';
import { RestoreError } from './restore-error.ts';

let root: string;
let repository: FixtureRepository;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'keephold-hostile-'));
  repository = new FixtureRepository();
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const free = { value: 1e12 };

class SmallTarget extends PlainTarget {
  override freeBytes(): number {
    return free.value;
  }
}

async function run(overrides: Partial<RestoreOptions<PlainConfig>> = {}): Promise<RestoreReport> {
  const createTarget = (config: PlainConfig): PlainTarget => new SmallTarget(config);
  return await restore<PlainConfig>({
    repository,
    snapshot: repository.snapshot,
    path: new Uint8Array(0),
    target: { root },
    createTarget,
    spawnWorker: inProcessWorker(createTarget),
    workers: 2,
    overwrite: 'if-changed',
    delete: false,
    durable: false,
    dryRun: false,
    signal: new AbortController().signal,
    ...overrides,
  });
}

const reasons = ({ failures }: RestoreReport): string[] => failures.map(({ reason }) => reason ?? '');
const good = (): TreeNode => repository.file('z-good', { parts: [new Uint8Array([1, 2, 3])] });

it('ends a restore of a billion directories made of thirty, and restores the rest', async () => {
  let node = repository.directory('d', []);
  for (let i = 0; i < 30; i++) {
    const names = ['a', 'b'].map((name) => ({ ...node, name: Buffer.from(name) }));
    node = repository.directory('d', names);
  }
  repository.root([node, good()]);
  const items: string[] = [];
  const onItem = ({ path, outcome }: RestoredItem): void => {
    if (path.length < 10) items.push(`${Buffer.from(path).toString()} ${outcome}`);
  };
  const report = await run({ dryRun: true, onItem });
  expect(report.failed).toBeGreaterThan(0);
  expect(report.restored).toBeLessThan(500_000);
  expect(reasons(report)[0]).toContain('over and over');
  expect(items).toContain('z-good restored');
});

it('refuses paths longer than any system has', async () => {
  let node = repository.directory('d', []);
  for (let i = 0; i < 5; i++) node = repository.directory('n'.repeat(300_000), [node]);
  repository.root([node, good()]);
  const report = await run({ dryRun: true });
  expect(reasons(report)).toEqual([expect.stringContaining('refused')]);
});

it('reads no attributes of more bytes than systems have', async () => {
  const blob = repository.blob(new Uint8Array(4_000_000));
  const value = Array.from({ length: 1000 }, () => ({ blob, length: 4_000_000 }));
  const xattrs = [{ name: Buffer.from('user.x'), value }];
  let reads = 0;
  const readBlob = repository.readBlob.bind(repository);
  repository.readBlob = async (id, kind) => {
    reads++;
    return await readBlob(id, kind);
  };
  repository.root([
    repository.file('f', { xattrs }),
    repository.symlink('l', 'x', { xattrs }),
    repository.directory('d', [], { xattrs }),
    good(),
  ]);
  const report = await run();
  expect(reasons(report)).toEqual(Array.from({ length: 3 }, () => expect.stringContaining('more than systems have')));
  expect(report.restored).toBe(1);
  expect(reads).toBe(0);
});

it('fails an item whose attribute has another length than its tree says', async () => {
  const blob = repository.blob(new Uint8Array(10));
  const xattrs = [{ name: Buffer.from('user.x'), value: [{ blob, length: 5 }] }];
  repository.root([repository.symlink('l', 'x', { xattrs }), good()]);
  expect(reasons(await run())).toEqual([expect.stringContaining('10 bytes for one of 5')]);
});

it('holds no more attributes at once than a slice may, however many files share a value', async () => {
  const value = Array.from({ length: 4 }, () => ({
    blob: repository.blob(new Uint8Array(4_000_000)),
    length: 4_000_000,
  }));
  const xattrs = [{ name: Buffer.from('user.x'), value }];
  repository.root(Array.from({ length: 40 }, (_, i) => repository.file(`f${i}`, { xattrs })));
  let reads = 0;
  const readBlob = repository.readBlob.bind(repository);
  repository.readBlob = async (id, kind) => {
    reads++;
    return await readBlob(id, kind);
  };
  let readBeforeFirst = 0;
  const report = await run({ onItem: () => (readBeforeFirst ||= reads) });
  expect(report.restored).toBe(40);
  // Four files fill a slice; the next one is planned while it is carried out.
  expect(readBeforeFirst).toBeLessThanOrEqual(3 * 4 * 4);
});

it('fails a file of an absurd size alone', async () => {
  const blob = repository.blob(new Uint8Array(1));
  const size = 2 ** 52;
  repository.root([{ ...repository.file('f'), size, content: [{ blob, length: size }] }, good()]);
  const report = await run();
  expect(reasons(report)).toEqual([expect.stringContaining('more than the target has room for')]);
  expect(readdirSync(root)).toEqual(['z-good']);
});

it('stops before the first byte of a file that does not fit, in however small pieces it comes', async () => {
  const blob = repository.blob(new Uint8Array(1));
  const count = 450_000;
  const node = repository.file('f', { parts: [new Uint8Array(1)], list: true });
  const contentParts = repository.contentParts.bind(repository);
  repository.contentParts = async function* (of) {
    if (!Buffer.from(of.name).equals(Buffer.from('f'))) return yield* contentParts(of);
    for (let at = 0; at < count; at += 1000) yield Array.from({ length: 1000 }, () => ({ blob, length: 1 }));
  };
  repository.root([{ ...node, size: count }]);
  // More than a slice, less than the file.
  free.value = 300_000;
  const ended = await run().catch((error: unknown) => error);
  free.value = 1e12;
  expect(ended).toBeInstanceOf(RestoreError);
  expect((ended as RestoreError).report.restored).toBe(0);
  expect(readdirSync(root)).toEqual([]);
});

it('makes no link to a text with NUL in it, and no device with a number that is none', async () => {
  repository.root([
    repository.symlink('l', '/etc/passwd\0x'),
    repository.other('c', NodeType.charDevice, { device: [2 ** 40, 1] }),
    good(),
  ]);
  const report = await run();
  expect(report.restored).toBe(1);
  expect(readdirSync(root)).toEqual(['z-good']);
});
