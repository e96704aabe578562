/** One SQLite database of messages with an index: pages of which a day's work rewrites some, here and there. */
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { age, type DataSet } from './data-set.ts';
import { SeededRandom } from './seeded-random.ts';
import { WordText } from './word-text.ts';

const FILE = join('app', 'messages.sqlite');
const ROWS_BETWEEN_LOOKS = 1000;
const FAST = 'PRAGMA page_size = 4096; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;';
const TABLE = `
  CREATE TABLE message (id INTEGER PRIMARY KEY, sent INTEGER, sender TEXT, body TEXT, picture BLOB);
  CREATE INDEX by_sender ON message (sender, sent);`;

export function databaseFile(bytes: number): DataSet {
  return {
    name: 'database',
    title: 'one SQLite database',
    size: { files: 1, bytes },
    make: (folder) => make(folder, bytes),
    change,
    sample: FILE,
  };
}

function make(root: string, bytes: number): void {
  mkdirSync(join(root, 'app'));
  const path = join(root, FILE);
  const random = new SeededRandom('database');
  const rows = messages(random);
  using database = open(path);
  database.exec(`${TABLE} BEGIN`);
  for (let id = 0; id % ROWS_BETWEEN_LOOKS !== 0 || pageBytes(database) < bytes; id++) rows.insert(database, id);
  database.exec('COMMIT');
  database.close();
  for (const each of [path, join(root, 'app'), root]) age(each, random);
}

function open(path: string): DatabaseSync & Disposable {
  const database = new DatabaseSync(path);
  database.exec(FAST);
  return Object.assign(database, {
    [Symbol.dispose]: () => {
      if (database.isOpen) database.close();
    },
  });
}

function pageBytes(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA page_count').get()?.['page_count'] ?? 0) * 4096;
}

interface Messages {
  insert(database: DatabaseSync, id: number): void;
}

/** Every eighth message has a picture. */
function messages(random: SeededRandom): Messages {
  const text = new WordText(random);
  let statement: ReturnType<DatabaseSync['prepare']> | undefined;
  return {
    insert(database, id) {
      statement ??= database.prepare('INSERT INTO message VALUES (?, ?, ?, ?, ?)');
      const picture = id % 8 === 0 ? random.bytes(random.between(500, 2500)) : null;
      statement.run(
        id,
        1_600_000_000 + id * 60,
        `user${random.between(0, 2000)}`,
        text.string(random.between(80, 700)),
        picture,
      );
    },
  };
}

/** Updates 1 % of the messages, four of five among the newest tenth, and adds 0.2 %. */
function change(root: string): void {
  const path = join(root, FILE);
  const random = new SeededRandom('database, a day later');
  const text = new WordText(random);
  const rows = messages(random);
  using database = open(path);
  const count = Number(database.prepare('SELECT count(*) AS n FROM message').get()?.['n']);
  const update = database.prepare('UPDATE message SET body = substr(body, 1, ?) || ? WHERE id = ?');
  database.exec('BEGIN');
  for (let i = 0; i < count / 100; i++) {
    const first = random.unit() < 0.8 ? Math.floor(count * 0.9) : 0;
    update.run(random.between(20, 70), text.string(60), random.between(first, count - 1));
  }
  for (let i = 0; i < count / 500; i++) rows.insert(database, count + i);
  database.exec('COMMIT');
  database.close();
  if (statSync(path).size === 0) throw new Error(`${path} is empty after the change`);
}
