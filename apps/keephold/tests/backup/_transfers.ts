/** A database whose whole content follows from the number of transactions committed to it. */
import { DatabaseSync } from 'node:sqlite';

const ACCOUNTS = 100;
const SUM = 100_000;
export const ROWS = 4000;

export const amountOf = (n: number): number => (n * 7) % 50;
export const fromOf = (n: number): number => n % ACCOUNTS;
export const toOf = (n: number): number => (n * 31 + 1) % ACCOUNTS;
export const bodyOf = (n: number): string => `${n} `.repeat(150).slice(0, 600);

export function setUp(database: DatabaseSync, mode: string, pageSize: number): void {
  database.exec(`PRAGMA page_size = ${pageSize}; PRAGMA journal_mode = ${mode}; PRAGMA synchronous = OFF;
    CREATE TABLE account (id INTEGER PRIMARY KEY, balance INTEGER);
    CREATE TABLE page (id INTEGER PRIMARY KEY, body TEXT); CREATE INDEX page_body ON page (body);
    CREATE TABLE counter (n INTEGER); INSERT INTO counter VALUES (0); BEGIN`);
  const account = database.prepare('INSERT INTO account VALUES (?, ?)');
  for (let i = 0; i < ACCOUNTS; i++) account.run(i, SUM / ACCOUNTS);
  const page = database.prepare('INSERT INTO page VALUES (?, ?)');
  for (let i = 0; i < ROWS; i++) page.run(i, bodyOf(0));
  database.exec('COMMIT');
}

/** Makes it larger by this many bytes, which no transaction touches. */
export function fillUp(database: DatabaseSync, bytes: number): void {
  database.exec('CREATE TABLE filling (bytes BLOB)');
  database.prepare('INSERT INTO filling VALUES (randomblob(?))').run(bytes);
}

/** How many transactions the database at `path` holds. Throws when it is not exactly what so many make. */
export function transactionsIn(path: string): number {
  using database = new DatabaseSync(path);
  const [check] = Object.values(database.prepare('PRAGMA integrity_check').get()!);
  if (check !== 'ok') throw new Error(`integrity_check: ${String(check)}`);
  const { n } = database.prepare('SELECT n FROM counter').get() as { readonly n: number };
  const balances = Array.from({ length: ACCOUNTS }, () => SUM / ACCOUNTS);
  const bodies = Array.from({ length: ROWS }, () => bodyOf(0));
  for (let i = 1; i <= n; i++) {
    balances[fromOf(i)]! -= amountOf(i);
    balances[toOf(i)]! += amountOf(i);
    for (let k = 0; k < 8; k++) bodies[(i * 37 + k * 101) % ROWS] = bodyOf(i);
  }
  const stored = database.prepare('SELECT balance FROM account ORDER BY id').all();
  if (stored.some(({ balance }, i) => balance !== balances[i])) throw new Error(`balances are not those after ${n}`);
  const pages = database.prepare('SELECT body FROM page ORDER BY id').all();
  if (pages.length !== ROWS || pages.some(({ body }, i) => body !== bodies[i]))
    throw new Error(`pages are not those after ${n}`);
  return n;
}
