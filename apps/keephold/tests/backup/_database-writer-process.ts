/**
 * Commits to a SQLite database until it is killed: `PATH MODE PAGE_SIZE FILLING_BYTES [SYNCHRONOUS]`. Every transaction moves money between accounts
 * and rewrites some pages; what the database holds after n of them follows from n alone. Says `n` after each commit.
 */
import { writeSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { amountOf, bodyOf, fillUp, fromOf, ROWS, setUp, toOf } from './_transfers.ts';

const [, , path = '', mode = '', pageSize = '', filling = '', synchronous = 'OFF'] = process.argv;
const database = new DatabaseSync(path, { timeout: 60_000 });
setUp(database, mode, Number(pageSize));
database.exec(`PRAGMA synchronous = ${synchronous === 'FULL' ? 'FULL' : 'OFF'}`);
if (Number(filling) > 0) fillUp(database, Number(filling));
const move = database.prepare('UPDATE account SET balance = balance + ? WHERE id = ?');
const fill = database.prepare('UPDATE page SET body = ? WHERE id = ?');
const count = database.prepare('UPDATE counter SET n = ?');
for (let n = 1; ; n++) {
  database.exec('BEGIN IMMEDIATE');
  move.run(-amountOf(n), fromOf(n));
  move.run(amountOf(n), toOf(n));
  for (let i = 0; i < 8; i++) fill.run(bodyOf(n), (n * 37 + i * 101) % ROWS);
  count.run(n);
  database.exec('COMMIT');
  writeSync(1, `${n}\n`);
}
