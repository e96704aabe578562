/** `backup --changed-folders` by the command. One home for all, since each test goes on from the one before. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { commandsIn } from '../server/_commands.ts';

const place = mkdtempSync(join(tmpdir(), 'keephold-changed-'));
afterAll(() => rmSync(place, { recursive: true, force: true }));
const data = join(place, 'data');
const repository = join(place, 'repository');
const told = join(place, 'changed.json');
const keephold = commandsIn(join(place, 'home'), undefined, {
  NODE_OPTIONS: `--import=${join(import.meta.dirname, '../_cheap-argon2-process.ts')}`,
});

interface Summary {
  readonly type: string;
  readonly walk: unknown;
  readonly snapshot: { readonly id: string };
  readonly filesNew: number;
  readonly filesUnchanged: number;
}

async function backUp(...options: readonly string[]): Promise<Summary> {
  const lines = await keephold.run('backup', '--repo', repository, '--json', ...options, data);
  const records = lines
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Summary);
  return records.find(({ type }) => type === 'summary')!;
}

async function backUpTold(
  change: { readonly folders?: readonly string[]; readonly trees?: readonly string[] },
  ...options: readonly string[]
): Promise<Summary> {
  const { id } = last.snapshot;
  writeFileSync(told, JSON.stringify({ version: 1, since: id, folders: [], trees: [], ...change }));
  return await backUp('--changed-folders', told, ...options);
}

let last: Summary;

beforeAll(async () => {
  for (const folder of ['a', 'b']) mkdirSync(join(data, folder), { recursive: true });
  writeFileSync(join(data, 'a', 'old'), 'content');
  await keephold.run('init', '--repo', repository);
  last = await backUp();
});

test('what is named is looked at, and the rest is in the snapshot all the same', async () => {
  writeFileSync(join(data, 'b', 'named'), 'content');
  writeFileSync(join(data, 'a', 'not named'), 'content');
  last = await backUpTold({ folders: [join(data, 'b')] });
  expect(last).toMatchObject({ walk: { kind: 'changed' }, filesNew: 1, filesUnchanged: 1 });
  const listed = await keephold.run('ls', '--repo', repository, '-r', 'latest');
  expect(listed).toContain(join(data, 'a', 'old'));
  expect(listed).toContain(join(data, 'b', 'named'));
});

test('a folder named with everything below it is walked', async () => {
  mkdirSync(join(data, 'a', 'new', 'below'), { recursive: true });
  writeFileSync(join(data, 'a', 'new', 'below', 'file'), 'content');
  last = await backUpTold({ trees: [join(data, 'a', 'new')] });
  expect(last).toMatchObject({ walk: { kind: 'changed' }, filesNew: 2 });
});

test('with other rules everything is walked', async () => {
  const summary = await backUpTold({}, '--exclude', 'old');
  expect(summary).toMatchObject({ walk: { kind: 'all', because: 'other-view' }, filesNew: 0 });
  last = await backUp();
});

test('a file that cannot be understood costs a look at everything', async () => {
  writeFileSync(told, '{"version":1');
  const summary = await backUp('--changed-folders', told);
  expect(summary).toMatchObject({ walk: { kind: 'all', because: 'unreadable-changes' }, filesUnchanged: 4 });
});
