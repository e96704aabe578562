/** Restores into a folder that something is in already. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FixtureRepository } from './_fixture-repository.ts';
import { inProcessWorker } from './_in-process-worker.ts';
import { type PlainConfig, PlainTarget } from './_plain-target.ts';
import type { RestoreReport } from './account.ts';
import { type RestoreOptions, restore } from './restore.ts';

let root: string;
let repository: FixtureRepository;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'keephold-restore-'));
  repository = new FixtureRepository();
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

type Options = Pick<
  Partial<RestoreOptions<PlainConfig>>,
  'path' | 'isLeftover' | 'select' | 'delete' | 'dryRun' | 'protectedPaths'
>;

async function run(options: Options & { readonly config?: Partial<PlainConfig> } = {}): Promise<RestoreReport> {
  const createTarget = (config: PlainConfig): PlainTarget => new PlainTarget({ ...config, ...options.config });
  return await restore<PlainConfig>({
    repository,
    snapshot: repository.snapshot,
    path: new Uint8Array(0),
    target: { root: out() },
    createTarget,
    spawnWorker: inProcessWorker(createTarget),
    workers: 2,
    overwrite: 'if-changed',
    delete: false,
    dryRun: false,
    durable: false,
    signal: new AbortController().signal,
    ...options,
  });
}

const out = (...names: string[]): string => join(root, 'out', ...names);
const [uid, gid] = [process.getuid!(), process.getgid!()];
const bytes = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
const pickedInside: Options['select'] = (path) => (path.length === 0 ? 'descend' : 'selected');

it('gives the target its own metadata when a run goes on that was stopped, unless other things are in it', async () => {
  const children = [repository.file('a', { parts: [bytes(5)] }), repository.file('b', { parts: [bytes(5)] })];
  repository.root([repository.directory('me', children, { mode: 0o711 })]);
  const path = Buffer.from('me');
  const stopped = (): void => {
    rmSync(out(), { recursive: true, force: true });
    mkdirSync(out(), { mode: 0o700 });
    writeFileSync(out('a'), 'some');
    writeFileSync(out('b.partial-3'), 'half');
  };
  const isLeftover = (name: Uint8Array): boolean => Buffer.from(name).includes('.partial-');
  for (const select of [undefined, pickedInside]) {
    stopped();
    await run({ path, isLeftover, ...(select === undefined ? {} : { select }) });
    expect(statSync(out()).mode & 0o7777).toBe(0o711);
    expect(Math.round(statSync(out()).mtimeMs)).toBe(1_700_000_000_123);
  }
  stopped();
  writeFileSync(out('mine'), 'x');
  await run({ path, isLeftover });
  expect(statSync(out()).mode & 0o7777).toBe(0o700);
  expect(readdirSync(out()).sort()).toEqual(['a', 'b', 'mine']);
});

it('deletes nothing of a protected folder, nor what holds it, nor for what the snapshot has in its place', async () => {
  repository.root([repository.file('kept', { parts: [bytes(5)] }), repository.file('way', { parts: [bytes(5)] })]);
  for (const folder of ['way/repo', 'share/repo', 'other']) mkdirSync(out(folder), { recursive: true });
  writeFileSync(out('share/repo/pack'), 'x');
  const options = { delete: true, protectedPaths: [Buffer.from('way/repo'), Buffer.from('share/repo')] };
  for (const dryRun of [true, false]) {
    const report = await run({ ...options, dryRun });
    expect(report).toMatchObject({ deleted: 1, skipped: 1, failed: 1 });
  }
  expect(readdirSync(out()).sort()).toEqual(['kept', 'share', 'way']);
  expect(readdirSync(out('share/repo'))).toEqual(['pack']);
  expect(readdirSync(out('way'))).toEqual(['repo']);
});

it('takes from identical files what the snapshot does not have of them', async () => {
  repository.root(['plain', 'marked'].map((name) => repository.file(name, { mtime: 5_000_000_000n, uid, gid })));
  await run();
  const applied: string[] = [];
  const config = { withAttributes: new Set(['marked']), onMetadata: (path: string) => applied.push(path) };
  const report = await run({ config });
  expect([report.identical, applied]).toEqual([2, [out('marked')]]);
});
