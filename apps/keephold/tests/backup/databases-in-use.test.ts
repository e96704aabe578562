/** Databases that a program writes all through the backup: each restored one holds a state that existed. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DatabaseCopies } from '@keephold/engine';
import { createDatabaseCopies } from '@keephold/source-files';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { builtCommand } from '../_built-command.ts';
import { BackupRepository } from './_backup-repository.ts';
import { DatabaseWriter } from './_database-writer.ts';
import { putBack, readBack } from './_read-back.ts';
import { truthOf } from './_snapshot-truth.ts';
import { fillUp, ROWS, setUp, transactionsIn } from './_transfers.ts';

const { spawnDatabaseCopyProcess } = await builtCommand().workers();
let backups: BackupRepository;
let root: string;
const writers: DatabaseWriter[] = [];

beforeEach(async () => {
  backups = await BackupRepository.create();
  root = join(backups.folder, 'data');
  mkdirSync(root);
});
afterEach(async () => {
  for (const writer of writers.splice(0)) await writer.kill();
  backups[Symbol.dispose]();
});

async function restoredTransactions(name: string): Promise<number> {
  const target = mkdtempSync(join(backups.folder, 'restored-'));
  putBack(await readBack(backups, root), name, join(target, name));
  return transactionsIn(join(target, name));
}

it.each([
  ['wal', 4096, 0],
  ['wal', 512, 0],
  ['wal', 65_536, 0],
  ['delete', 4096, 0],
  ['delete', 1024, 0],
  ['truncate', 8192, 0],
  ['persist', 4096, 0],
  // More than is copied under one lock at once.
  ['wal', 4096, 40_000_000],
  ['delete', 4096, 40_000_000],
] as const)('captures a state that existed: %s, pages of %i bytes, %i bytes more', async (mode, pageSize, filling) => {
  const writer = new DatabaseWriter(join(root, 'a.db'), mode, { pageSize, filling });
  writers.push(writer);
  for (let run = 0; run < 2; run++) {
    const before = await writer.commits(20);
    const report = await backups.backup({ roots: [root] });
    const after = await writer.commits(20);
    expect(report.captured).toEqual({ live: 0, sqliteBackup: 1, placeholder: 0 });
    expect(report.unreadable).toEqual([]);
    const files = await readBack(backups, root);
    expect(files.get('a.db')!.node.note).toBe('sqlite-backup');
    const restored = await restoredTransactions('a.db');
    expect(restored).toBeGreaterThanOrEqual(before);
    expect(restored).toBeLessThanOrEqual(after);
    expect((await truthOf(backups)).problems).toEqual([]);
  }
  expect(existsSync(join(backups.cacheFolder, 'copies'))).toBe(false);
  expect(readdirSync(root).filter((name) => !/^a\.db(-wal|-shm|-journal)?$/.test(name))).toEqual([]);
});

const nothingSpecial = { live: 0, sqliteBackup: 0, placeholder: 0 };

/** Runs `script` on the database in another process, which then keeps it open. */
async function holding(path: string, script: string): Promise<Holder> {
  const code = `const { DatabaseSync } = require('node:sqlite'); const db = new DatabaseSync(${JSON.stringify(path)});
    ${script}; console.log('held'); process.stdin.resume();`;
  const child = spawn(process.execPath, ['-e', code], { stdio: ['pipe', 'pipe', 'inherit'] });
  await new Promise((resolve, reject) => {
    child.stdout.once('data', resolve);
    child.once('close', reject);
  });
  return new Holder(child);
}

class Holder {
  readonly #process: ChildProcess;

  constructor(process: ChildProcess) {
    this.#process = process;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('close', resolve));
    this.#process.kill('SIGKILL');
    await ended;
  }
}

/** A database with a log: `more` runs with everything committed and nothing checkpointed. */
async function withLog(path: string, more = ''): Promise<Holder> {
  using database = new DatabaseSync(path);
  setUp(database, 'delete', 4096);
  database.close();
  return await holding(
    path,
    `db.exec("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; UPDATE counter SET n = 1; UPDATE counter SET n = 0"); ${more}`,
  );
}

it('captures a database again when only its log changed, and not when nothing did', async () => {
  const path = join(root, 'a.db');
  const photo = 'CREATE TABLE photo (bytes BLOB); INSERT INTO photo VALUES (randomblob(2000000))';
  await using _held = await withLog(path, `db.exec("${photo}")`);
  await sleep(150);
  const first = await backups.backup({ roots: [root] });
  expect(first.captured.sqliteBackup).toBe(1);
  const second = await backups.backup({ roots: [root] });
  expect(second.files).toEqual({ new: 0, changed: 0, unchanged: 3, storedAgain: 0 });
  expect(second.bytesRead).toBe(0);
  await using _other = await holding(path, 'db.exec("UPDATE page SET body = \'new\' WHERE id = 7")');
  const third = await backups.backup({ roots: [root] });
  expect(third.captured.sqliteBackup).toBe(1);
  // Page by page: what did not change is not stored again.
  expect(third.bytesStored).toBeLessThan(first.bytesStored / 3);
  const files = await readBack(backups, root);
  putBack(files, 'a.db', join(backups.folder, 'a.db'));
  using restored = new DatabaseSync(join(backups.folder, 'a.db'));
  expect(restored.prepare('SELECT body FROM page WHERE id = 7').get()).toEqual({ body: 'new' });
  expect(files.get('a.db-wal')!.bytes.length).toBe(0);
  expect(files.get('a.db-wal')!.node.note).toBe('sqlite-backup');
});

it('copies a large database in steps, and goes on after somebody wrote between two of them', async () => {
  const path = join(root, 'a.db');
  using database = new DatabaseSync(path, { timeout: 60_000 });
  setUp(database, 'persist', 4096);
  fillUp(database, 60_000_000);
  let copies = 0;
  const report = await backups.backup({
    roots: [root],
    copyDatabases: (folder) => {
      const made = createDatabaseCopies({ spawn: spawnDatabaseCopyProcess, folder });
      const copy: DatabaseCopies['copy'] = async (...wanted) => {
        const copying = made.copy(...wanted);
        const target = join(folder, `${copies++}.sqlite`);
        while (!existsSync(target) || statSync(target).size < 8_000_000) await sleep(1);
        database.exec("UPDATE page SET body = 'new' WHERE id = 7");
        return await copying;
      };
      return { copy, [Symbol.asyncDispose]: async () => await made[Symbol.asyncDispose]() };
    },
  });
  expect(report.captured).toEqual({ ...nothingSpecial, sqliteBackup: 1 });
  database.close();
  putBack(await readBack(backups, root), 'a.db', join(backups.folder, 'a.db'));
  using restored = new DatabaseSync(join(backups.folder, 'a.db'));
  expect(restored.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
  expect(restored.prepare('SELECT body FROM page WHERE id = 7').get()).toEqual({ body: 'new' });
});

it('reads a database at rest like any other file', async () => {
  const path = join(root, 'a.db');
  using database = new DatabaseSync(path);
  setUp(database, 'delete', 4096);
  database.close();
  await sleep(150);
  const report = await backups.backup({ roots: [root] });
  expect(report.captured).toEqual(nothingSpecial);
  expect((await readBack(backups, root)).get('a.db')!.bytes.equals(readFileSync(path))).toBe(true);
});

it('creates and changes nothing beside a database', async () => {
  const path = join(root, 'a.db');
  await using _held = await withLog(path);
  // Copied as it lies: a log without its shared index, which SQLite would make for a reader.
  mkdirSync(join(root, 'left'));
  copyFileSync(path, join(root, 'left', 'b.db'));
  copyFileSync(`${path}-wal`, join(root, 'left', 'b.db-wal'));
  await sleep(150);
  const look = (): unknown =>
    readdirSync(root, { recursive: true, encoding: 'utf8' })
      .sort()
      .map((name) => [name, statSync(join(root, name)).ctimeMs, statSync(join(root, name)).size]);
  const before = look();
  const report = await backups.backup({ roots: [root] });
  expect(look()).toEqual(before);
  expect(report.captured).toEqual({ ...nothingSpecial, sqliteBackup: 1 });
  expect(report.notes).toEqual([]);
  const files = await readBack(backups, join(root, 'left'));
  expect(files.get('b.db-wal')!.bytes.equals(readFileSync(`${path}-wal`))).toBe(true);
});

it('keeps a journal of a killed program with its database', async () => {
  const path = join(root, 'a.db');
  const script = `db.exec("PRAGMA cache_size = 5; PRAGMA synchronous = OFF; BEGIN; UPDATE page SET body = body || 'x'")`;
  using database = new DatabaseSync(path);
  setUp(database, 'delete', 4096);
  database.close();
  {
    await using _killed = await holding(path, script);
  }
  const journal = readFileSync(`${path}-journal`);
  await sleep(150);
  const report = await backups.backup({ roots: [root] });
  expect(report.captured).toEqual(nothingSpecial);
  expect(readFileSync(`${path}-journal`).equals(journal)).toBe(true);
  expect((await readBack(backups, root)).get('a.db-journal')!.bytes.equals(journal)).toBe(true);
  expect(await restoredTransactions('a.db')).toBe(0);
});

it('says which database it could not copy, and why', async () => {
  await using _locked = await withLog(
    join(root, 'locked.db'),
    'db.close(); const own = new DatabaseSync(db_path); own.exec("PRAGMA locking_mode = EXCLUSIVE; UPDATE counter SET n = 1; UPDATE counter SET n = 0")'.replace(
      'db_path',
      JSON.stringify(join(root, 'locked.db')),
    ),
  );
  await using _damaged = await withLog(join(root, 'sound.db'));
  for (const ending of ['', '-wal', '-shm'])
    copyFileSync(join(root, `sound.db${ending}`), join(root, `bad.db${ending}`));
  const bytes = readFileSync(join(root, 'bad.db'));
  for (let at = 8192; at < bytes.length; at += 4096) bytes.fill(0xff, at, at + 64);
  writeFileSync(join(root, 'bad.db'), bytes);
  await sleep(150);
  const report = await backups.backup({ roots: [root] });
  const notes = report.notes.map(
    ({ path, note }) =>
      `${Buffer.from(path)
        .toString()
        .slice(root.length + 1)}: ${note}`,
  );
  expect(notes).toHaveLength(2);
  expect(notes[0]).toMatch(/^bad\.db: database read like any other file: it is damaged/);
  expect(notes[1]).toBe('locked.db: database read like any other file: its program keeps it locked');
  expect(report.captured.sqliteBackup).toBe(1);
  const files = await readBack(backups, root);
  expect(files.get('bad.db')!.bytes.equals(bytes)).toBe(true);
  expect(files.get('bad.db-wal')!.bytes.length).toBeGreaterThan(0);
});

it.each([
  ['wal', 'PRAGMA wal_autocheckpoint = 0'],
  ['delete', 'PRAGMA cache_size = 5'],
])('sees a transaction that began while its folder was listed: %s', async (mode, pragma) => {
  const path = join(root, 'a.db');
  using database = new DatabaseSync(path);
  setUp(database, mode, 4096);
  database.close();
  await sleep(150);
  const before = readFileSync(path);
  await using _held = await holding(
    path,
    `db.exec("${pragma}; BEGIN; UPDATE page SET body = body || 'x'; ${end(mode)}")`,
  );
  await sleep(150);
  expect(readFileSync(path).equals(before)).toBe(mode === 'wal');
  // As if the log or journal had come after its name was looked for.
  const log = mode === 'wal' ? 'a.db-wal' : 'a.db-journal';
  const hiding = { excludedEntry: (_: Uint8Array, name: string) => (name === log ? 'not there yet' : undefined) };
  const filter = { ...hiding, excludedContents: () => undefined };
  const report = await backups.backup({ roots: [root], filter });
  if (mode === 'wal') {
    expect(report.captured).toEqual({ ...nothingSpecial, sqliteBackup: 1 });
    putBack(await readBack(backups, root), 'a.db', join(backups.folder, 'a.db'));
    using restored = new DatabaseSync(join(backups.folder, 'a.db'));
    expect(restored.prepare("SELECT count(*) AS n FROM page WHERE body LIKE '%x'").get()).toEqual({ n: ROWS });
  } else {
    expect(report.captured).toEqual({ ...nothingSpecial, live: 1 });
    expect(report.notes.map(({ note }) => note)).toContain(
      'database read like any other file: its program keeps it locked',
    );
    expect((await readBack(backups, root)).get('a.db')!.node.note).toBe('live');
  }
});

/** A transaction without a log goes on. */
const end = (mode: string): string => (mode === 'wal' ? 'COMMIT' : '');

it('keeps files that only have the names of databases', async () => {
  for (const name of ['notes', 'notes-wal', 'notes-shm', 'photo-journal', 'x-wal', 'x-wal-journal', '-wal', 'e-wal'])
    writeFileSync(join(root, name), `${name} ${'.'.repeat(200)}`);
  writeFileSync(join(root, 'e'), '');
  mkdirSync(join(root, 'photo'));
  // Encrypted databases look like this.
  writeFileSync(join(root, 'y.db'), crypto.getRandomValues(new Uint8Array(8192)));
  writeFileSync(join(root, 'y.db-wal'), crypto.getRandomValues(new Uint8Array(8192)));
  // Begins like a database, and is none.
  writeFileSync(join(root, 'z.db'), `SQLite format 3\0${'z'.repeat(8000)}`);
  writeFileSync(join(root, 'z.db-wal'), 'z'.repeat(8000));
  const report = await backups.backup({ roots: [root] });
  expect(report.captured).toEqual(nothingSpecial);
  expect(report.notes).toEqual([]);
  expect((await truthOf(backups, { root })).problems).toEqual([]);
});

it.skipIf(process.platform === 'win32')('does not wait for a pipe in the place of a log', async () => {
  await using _held = await withLog(join(root, 'a.db'));
  copyFileSync(join(root, 'a.db'), join(root, 'b.db'));
  copyFileSync(join(root, 'a.db-wal'), join(root, 'b.db-wal'));
  execFileSync('mkfifo', [join(root, 'b.db-shm')]);
  const started = performance.now();
  const report = await backups.backup({ roots: [root] });
  expect(performance.now() - started).toBeLessThan(30_000);
  expect(report.captured).toEqual({ ...nothingSpecial, sqliteBackup: 1 });
  expect(report.notes).toEqual([]);
});

it.each(['before', 'while'] as const)('leaves no copy behind when it is stopped %s one is made', async (when) => {
  await using _a = await withLog(join(root, 'a.db'));
  await using _b = await withLog(join(root, 'b.db'));
  await using _c = await withLog(join(root, 'c.db'));
  const abort = new AbortController();
  const stopped = await backups.backup({
    roots: [root],
    signal: abort.signal,
    copyDatabases: (folder) => {
      const copies = createDatabaseCopies({ spawn: spawnDatabaseCopyProcess, folder });
      const copy: DatabaseCopies['copy'] = async (...wanted) => {
        if (when === 'before') abort.abort();
        const made = copies.copy(...wanted);
        if (when === 'while') abort.abort();
        return await made;
      };
      return { copy, [Symbol.asyncDispose]: async () => await copies[Symbol.asyncDispose]() };
    },
  });
  expect(stopped.interrupted).toBe(true);
  expect(existsSync(join(backups.cacheFolder, 'copies'))).toBe(false);
  expect(await backups.backup({ roots: [root] })).toMatchObject({ kind: 'complete', captured: { sqliteBackup: 3 } });
  expect((await truthOf(backups)).problems).toEqual([]);
  for (const name of ['a.db', 'b.db', 'c.db']) expect(await restoredTransactions(name)).toBe(0);
});

it('reads a database as it lies when the process that copies it is killed', async () => {
  const path = join(root, 'a.db');
  await using _held = await withLog(path);
  const report = await backups.backup({
    roots: [root],
    copyDatabases: (folder) =>
      createDatabaseCopies({
        folder,
        spawn: () => {
          const child = spawnDatabaseCopyProcess();
          child.kill('SIGKILL');
          return child;
        },
      }),
  });
  expect(report).toMatchObject({ kind: 'complete', unreadable: [], captured: nothingSpecial });
  expect(report.notes.map(({ note }) => note)).toEqual([
    'database read like any other file: the process that copies it ended',
  ]);
  const files = await readBack(backups, root);
  expect(files.get('a.db-wal')!.bytes.equals(readFileSync(`${path}-wal`))).toBe(true);
  expect(await restoredTransactions('a.db')).toBe(0);
});

it('goes on when the copy cannot be made, and removes what a killed run left', async () => {
  const path = join(root, 'a.db');
  await using _held = await withLog(path);
  const left = join(backups.cacheFolder, 'copies');
  mkdirSync(left);
  writeFileSync(join(left, '0.sqlite'), 'left by a run that was killed');
  const blocked = await backups.backup({
    roots: [root],
    copyDatabases: (folder) => ({
      copy: async () => {
        expect(existsSync(folder)).toBe(false);
        return { kind: 'not-copied', reason: 'no room for a copy' };
      },
      [Symbol.asyncDispose]: async () => undefined,
    }),
  });
  expect(blocked.notes.map(({ note }) => note)).toEqual(['database read like any other file: no room for a copy']);
  const files = await readBack(backups, root);
  expect(files.get('a.db-wal')!.bytes.equals(readFileSync(`${path}-wal`))).toBe(true);
  expect(files.get('a.db')!.node.note).toBeUndefined();
});
