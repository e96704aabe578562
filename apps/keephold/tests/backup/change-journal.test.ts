/** A backup that looks only at what changed, as it is told, makes the snapshot that a look at everything makes. */
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BackupReport, ChangedFolders, JournalOptions } from '@keephold/engine/node';
import type { ObjectName } from '@keephold/protocol';
import { ChangeJournal } from '@keephold/source-files';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createFileFilter } from '../../src/jobs/file-filter.ts';
import { BackupRepository, type BackupRequest } from './_backup-repository.ts';
import { edit, edits, type Told } from './_told-edits.ts';

let backups: BackupRepository;
let root: string;
let count = 0;

beforeAll(async () => {
  backups = await BackupRepository.create();
});
afterAll(() => backups[Symbol.dispose]());
beforeEach(() => {
  root = join(backups.folder, `data ${count++}`);
  mkdirSync(root);
});

const RUNS = 3;
const DAY = 86_400_000;
const plainView = createHash('sha256').update('view').digest();
/** Later than any change, so that none counts as too young to be trusted. */
const now = (): bigint => BigInt(Date.now() + 10_000) * 1_000_000n;

function told(report: BackupReport, folders: Iterable<string>, trees: Iterable<string> = []): JournalOptions {
  const bytes = (paths: Iterable<string>): Buffer[] => [...paths].map((path) => Buffer.from(path));
  return {
    view: plainView,
    changes: { since: report.snapshot!.id, folders: bytes(folders), trees: bytes(trees) },
  };
}

async function backUp(request: Partial<BackupRequest> = {}): Promise<BackupReport> {
  return await backups.backup({ roots: [root], workers: 1, now, journal: { view: plainView }, ...request });
}

/** What a snapshot is made of, apart from its time and the folders above the root: others write there meanwhile. */
async function madeOf(id: ObjectName): Promise<unknown> {
  return await backups.read(async (repository) => {
    const snapshot = await repository.snapshot(Buffer.from(id).toString('hex'));
    for await (const { path, node } of repository.walk(snapshot)) {
      if (`/${Buffer.from(path).toString()}` !== root) continue;
      return { root: node, stats: snapshot.stats, unreadable: snapshot.unreadable };
    }
    throw new Error('the snapshot lacks the root');
  });
}

/** What tells of edits. */
interface Teller extends AsyncDisposable {
  readonly before: (edited: Told) => Promise<JournalOptions['changes']>;
  readonly after: (report: BackupReport) => void;
}

function byHand(): Teller {
  let last: BackupReport | undefined;
  return {
    before: async ({ folders, trees }) => last && told(last, folders, trees).changes,
    after: (report) => {
      last = report;
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

function byWatching(excludes: Filter): Teller {
  const journal = new ChangeJournal({
    roots: [Buffer.from(root)],
    skips: (folder, name) => excludes.excludedEntry?.(folder, name, true) !== undefined,
  });
  return {
    before: async () => {
      const changes = await journal.before();
      return changes && { ...changes, since: changes.since as ObjectName };
    },
    after: ({ snapshot }) => journal.after(snapshot?.id),
    [Symbol.asyncDispose]: async () => await journal[Symbol.asyncDispose](),
  };
}

type Filter = ReturnType<typeof createFileFilter>;

function filterOf(rules: readonly string[]): Filter {
  const config = { rules, files: [], cachedirTag: true, nobackup: true };
  return createFileFilter(config, { roots: [Buffer.from(root)], own: [] });
}

const round = fc.record({ edits, isYoung: fc.boolean(), excludes: fc.nat(9) });

it.each([
  ['somebody tells', byHand],
  ['the watcher tells', byWatching],
])('makes the snapshot of a full walk, whatever was edited, when %s', { timeout: 60_000 }, async (_, tellerFor) => {
  let changedOnly = 0;
  const rounds = fc.array(round, { minLength: 2, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(rounds, async (some) => {
      root = join(backups.folder, `edited ${count++}`);
      mkdirSync(root);
      const full = join(backups.folder, `cache of ${count}`);
      mkdirSync(full);
      await using teller = tellerFor(filterOf([]));
      let last: { readonly made: unknown; readonly same: BackupRequest } | undefined;
      for (const { edits: todo, isYoung, excludes } of some) {
        const edited: Told = { folders: new Set(), trees: new Set() };
        edit(root, todo, edited);
        // A watcher is made for certain rules.
        const rules = excludes === 0 && tellerFor === byHand ? ['z'] : [];
        const view = createHash('sha256').update(rules.join()).digest();
        const moment = BigInt(Date.now() + (isYoung ? 0 : 150)) * 1_000_000n;
        const same = { roots: [root], workers: 1, filter: filterOf(rules), now: () => moment };
        const report = await backups.backup({ ...same, journal: { view, changes: await teller.before(edited) } });
        const walked = await backups.backup({ ...same, cacheFolder: full });
        expect(await madeOf(report.snapshot!.id)).toEqual(await madeOf(walked.snapshot!.id));
        expect(report.files).toEqual(walked.files);
        teller.after(report);
        if (report.walk.kind === 'changed') changedOnly++;
        last = { made: await madeOf(report.snapshot!.id), same };
      }
      // Who tells makes no difference to a walk that takes nothing over: it encodes every tree from the disk.
      if (tellerFor !== byHand) return;
      const empty = join(backups.folder, `no cache ${count}`);
      mkdirSync(empty);
      const anew = await backups.backup({ ...last!.same, cacheFolder: empty });
      expect(last!.made).toEqual(await madeOf(anew.snapshot!.id));
    }),
    { numRuns: RUNS, endOnFailure: true },
  );
  expect(changedOnly).toBeGreaterThan(RUNS / 2);
});

it('lists nothing when nothing changed', async () => {
  mkdirSync(join(root, 'folder'));
  writeFileSync(join(root, 'folder', 'file'), 'content');
  const first = await backUp();
  const listed: string[] = [];
  const second = await backUp({
    journal: told(first, []),
    onListed: (path) => listed.push(Buffer.from(path).toString()),
  });
  expect(second).toMatchObject({
    kind: 'complete',
    walk: { kind: 'changed', listed: 0 },
    directories: first.directories,
  });
  expect(listed.filter((path) => path.startsWith(root))).toEqual([]);
  expect(await madeOf(second.snapshot!.id)).toEqual(await madeOf(first.snapshot!.id));
});

it('lists the changed folder and those above it', async () => {
  for (const folder of ['changed', 'same', 'same/below']) mkdirSync(join(root, folder));
  writeFileSync(join(root, 'same/below/file'), 'content');
  const first = await backUp();
  writeFileSync(join(root, 'changed', 'new'), 'new content');
  const listed = new Set<string>();
  const journal = told(first, [join(root, 'changed')]);
  const second = await backUp({ journal, onListed: (path) => listed.add(Buffer.from(path).toString()) });
  expect([...listed].filter((path) => path.startsWith(root)).sort()).toEqual([root, join(root, 'changed')]);
  expect(second.files).toEqual({ new: 1, changed: 0, unchanged: 1, storedAgain: 0 });
});

it('lists nothing of a root beside the one that changed, also when what is above them is not as it was', async () => {
  const [one, two] = ['above/one', 'beside/two'].map((path) => join(root, path)) as [string, string];
  for (const folder of [one, join(two, 'folder')]) mkdirSync(folder, { recursive: true });
  const roots = [one, two];
  const first = await backUp({ roots });
  writeFileSync(join(one, 'new'), 'content');
  chmodSync(join(root, 'beside'), 0o711);
  const listed = new Set<string>();
  const journal = told(first, [one]);
  const second = await backUp({ roots, journal, onListed: (path) => listed.add(Buffer.from(path).toString()) });
  expect([...listed].filter((path) => path.startsWith(root)).sort()).toEqual([
    root,
    ...[join(root, 'above'), one, join(root, 'beside')],
  ]);
  expect(second).toMatchObject({ walk: { kind: 'changed' }, directories: first.directories });
});

it.each([
  [
    'the changes are counted from another snapshot',
    'other-snapshot',
    { since: Buffer.alloc(32) as Uint8Array as ObjectName },
    {},
  ],
  ['options or mounts are others', 'other-view', {}, { view: Buffer.alloc(32) }],
] as const)('walks everything when %s', async (_, because, changes, options) => {
  const first = await backUp();
  const journal = told(first, []);
  const second = await backUp({
    journal: { ...journal, ...options, changes: { ...(journal.changes as ChangedFolders), ...changes } },
  });
  expect(second.walk).toEqual({ kind: 'all', because });
});

it('walks everything after a week, and when the clock went back', async () => {
  const first = await backUp();
  const at = async (last: BackupReport, days: number): Promise<BackupReport> =>
    await backUp({ journal: told(last, []), now: () => now() + BigInt(days * DAY) * 1_000_000n });
  const second = await at(first, 6);
  expect(second.walk).toEqual({ kind: 'changed', listed: 0 });
  const third = await at(second, 7);
  expect(third.walk).toEqual({ kind: 'all', because: 'due' });
  expect((await at(third, 6)).walk).toEqual({ kind: 'all', because: 'due' });
});

it('walks everything after a run that was interrupted', async () => {
  const first = await backUp();
  for (const folder of ['a', 'z']) mkdirSync(join(root, folder));
  writeFileSync(join(root, 'a', 'empty'), '');
  const controller = new AbortController();
  const stopped = await backUp({
    journal: told(first, [root], [join(root, 'a'), join(root, 'z')]),
    signal: controller.signal,
    onListed: (path) => Buffer.from(path).toString() === join(root, 'z') && controller.abort(),
  });
  expect(stopped).toMatchObject({ kind: 'checkpoint', walk: { kind: 'changed' } });
  expect((await backUp({ journal: told(first, []) })).walk).toEqual({ kind: 'all', because: 'interrupted-before' });
});

it('lists again what changed so lately that a change would not show', async () => {
  writeFileSync(join(root, 'file'), 'content');
  const { ctimeNs } = statSync(join(root, 'file'), { bigint: true });
  const first = await backUp({ now: () => ctimeNs });
  const listed = new Set<string>();
  const onListed = (path: Uint8Array): unknown => listed.add(Buffer.from(path).toString());
  const second = await backUp({ journal: told(first, []), onListed });
  expect(listed).toContain(root);
  expect((await backUp({ journal: told(second, []) })).walk).toEqual({ kind: 'changed', listed: 0 });
});

it('does not believe that nothing changed where a folder is another one', async () => {
  for (const folder of ['a', 'b', 'b/below']) mkdirSync(join(root, folder));
  writeFileSync(join(root, 'a', 'file'), 'content');
  const first = await backUp();
  rmSync(join(root, 'b'), { recursive: true });
  renameSync(join(root, 'a'), join(root, 'b'));
  const second = await backUp({ journal: told(first, [root]) });
  expect(second).toMatchObject({ walk: { kind: 'all', because: 'replaced-folder' }, files: { new: 1 } });
});
