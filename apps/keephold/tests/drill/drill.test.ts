/** Drills of the real command on real repositories, for what scripts of the shell cannot make. */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Home, type Ran } from '../damage/_home.ts';

let home: Home;
beforeEach(() => {
  home = new Home();
  mkdirSync(home.data);
});
afterEach(async () => {
  await home.settle();
  home[Symbol.dispose]();
});

async function must(args: readonly string[]): Promise<Ran> {
  const ran = await home.run([...args, '--json']);
  if (ran.code !== 0) throw new Error(`${args.join(' ')}: ${ran.code}\n${ran.stdout}${ran.stderr}`);
  return ran;
}

function outcomes({ records }: Ran): Readonly<Record<string, unknown>> {
  const files = records.filter(({ type }) => type === 'file');
  return Object.fromEntries(files.map(({ path, outcome }) => [String(path).split('/').at(-1), outcome]));
}

const summary = ({ records }: Ran): Readonly<Record<string, unknown>> =>
  records.find(({ type }) => type === 'summary') ?? {};

/** A database that is in use: the last rows are in its log alone. */
function openDatabase(): DatabaseSync {
  const database = new DatabaseSync(join(home.data, 'mail.sqlite'));
  database.exec('PRAGMA journal_mode = WAL; CREATE TABLE t (id INTEGER PRIMARY KEY, w TEXT); BEGIN');
  for (let i = 0; i < 5000; i++) database.prepare('INSERT INTO t (w) VALUES (?)').run(`word ${i}`);
  database.exec('COMMIT; PRAGMA wal_checkpoint(TRUNCATE)');
  database.prepare('INSERT INTO t (w) VALUES (?)').run('the last one');
  return database;
}

describe('a drill of databases', () => {
  test('opens one that was in use, and does not take the copy for damage', async () => {
    using _ = openDatabase();
    await must(['init', '--trusted']);
    await must(['backup', home.data]);
    const ran = await must(['drill']);
    expect(outcomes(ran)).toMatchObject({ 'mail.sqlite': 'good' });
    const file = ran.records.find(({ path }) => String(path).endsWith('mail.sqlite'));
    expect(file).toMatchObject({ here: 'copied', opening: { kind: 'opened', format: 'sqlite' } });
    // Nothing of the original was touched: it is in use.
    expect(existsSync(join(home.data, 'mail.sqlite-wal'))).toBe(true);
  });

  test('finds one that was copied while it was written, and says when it was so already', async () => {
    openDatabase().close();
    const path = join(home.data, 'mail.sqlite');
    const torn = readFileSync(path);
    // A page in its middle is still that of an hour ago.
    torn.copyWithin(8192, 4096, 8192);
    writeFileSync(path, torn);
    await must(['init', '--trusted']);
    await must(['backup', home.data]);
    expect(outcomes(await must(['drill']))).toEqual({ 'mail.sqlite': 'already-broken' });
    appendFileSync(path, 'more');
    const ran = await home.run(['drill', '--json']);
    expect(ran.code).toBe(3);
    expect(outcomes(ran)).toEqual({ 'mail.sqlite': 'unopenable' });
    expect(summary(ran)).toMatchObject({ result: 'partial', files: 1 });
  });
});

describe('a drill of a damaged repository', () => {
  test('names the folder whose list cannot be read, and goes on with the rest', async () => {
    await must(['init', '--trusted']);
    writeFileSync(join(home.data, 'notes.txt'), 'some words');
    await must(['backup', join(home.data, 'notes.txt')]);
    const before = packs();
    mkdirSync(join(home.data, 'more'));
    writeFileSync(join(home.data, 'more', 'a.txt'), 'other words');
    await must(['backup', join(home.data, 'more')]);
    for (const pack of packs().filter((path) => !before.includes(path))) rmSync(pack);
    const ran = await home.run(['drill', '--json']);
    expect(ran.code).toBe(13);
    expect(outcomes(ran)).toEqual({ 'notes.txt': 'good' });
    expect(ran.records.find(({ type }) => type === 'folder')).toMatchObject({ outcome: 'damaged', seq: 2 });
    expect(summary(ran)).toMatchObject({ result: 'damaged' });
  });

  test('on another computer, with the password alone, works and remembers there', async () => {
    await must(['init']);
    writeFileSync(join(home.data, 'notes.txt'), 'some words');
    await must(['backup', home.data]);
    home.forgetEverything();
    expect((await home.run(['drill'], { secret: 'wrong' })).code).toBe(12);
    expect(outcomes(await must(['drill']))).toEqual({ 'notes.txt': 'good' });
    expect((await must(['drill', '--history'])).records.at(-1)).toMatchObject({ type: 'trend', runs: 1 });
  });
});

test('what was drilled comes later the next time, until all of it was', async () => {
  for (let i = 0; i < 8; i++) writeFileSync(join(home.data, `${i}.txt`), `number ${i} `.repeat(100));
  await must(['init', '--trusted']);
  await must(['backup', home.data]);
  const seen = new Set<string>();
  for (let i = 0; i < 24 && seen.size < 8; i++) {
    const ran = await must(['drill', '--size', '2000', '--seed', String(i)]);
    for (const name of Object.keys(outcomes(ran))) seen.add(name);
  }
  expect(seen.size).toBe(8);
  expect(readdirSync(tmpdir()).filter((name) => name.startsWith(`keephold-drill-${process.pid}`))).toEqual([]);
});

function packs(): string[] {
  return readdirSync(home.repository, { recursive: true, encoding: 'utf8' })
    .filter((name) => /packs\/.*[0-9a-f]{64}$/.test(name))
    .map((name) => join(home.repository, name))
    .filter((path) => statSync(path).isFile());
}
