/** `FIRST SECOND`: writes a number into the first file and then into the second, each to the disk, again and again. */
import { fsyncSync, openSync, writeSync } from 'node:fs';

const [, , first = '', second = ''] = process.argv;
const files = [openSync(first, 'r+'), openSync(second, 'r+')];
for (let n = 1; ; n++) {
  for (const file of files) {
    writeSync(file, String(n).padStart(12, '0'), 0);
    fsyncSync(file);
  }
  process.stdout.write(`${n}\n`);
}
