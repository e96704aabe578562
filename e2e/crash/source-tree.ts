/** A small folder of odd files to back up, and what of a folder has to come back, as text that can be compared. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import type { SeededRandom } from './seeded-random.ts';

const MIB = 1024 * 1024;
const FOLDERS = 4;
const FILES = 8;

export function makeSourceTree(folder: string, random: SeededRandom): void {
  for (let number = 0; number < FOLDERS; number++) {
    const inside = `${folder}/folder ${number}`;
    mkdirSync(`${inside}/deeper`, { recursive: true });
    for (let file = 0; file < FILES; file++) writeFileSync(`${inside}/file ${file}`, random.bytes(random.below(9000)));
    writeFileSync(`${inside}/deeper/text`, `${number}\n`.repeat(random.below(5000)));
  }
  writeFileSync(`${folder}/large`, random.bytes(3 * MIB));
  writeFileSync(`${folder}/empty`, '');
  writeFileSync(Buffer.from(`${folder}/odd \n \xff name`, 'latin1'), 'odd');
  linkSync(`${folder}/folder 0/file 1`, `${folder}/folder 2/the same file`);
  linkSync(`${folder}/large`, `${folder}/folder 3/large too`);
  symlinkSync('../large', `${folder}/folder 1/link`);
  chmodSync(`${folder}/folder 0/file 2`, 0o640);
  utimesSync(`${folder}/folder 0/file 3`, 1_000_000_000.75, 1_000_000_000.75);
  setAttribute(`${folder}/folder 0/file 4`, 'user.keephold.test', 'some value');
  roundTimes(folder);
}

/** Changes, adds, renames and removes some of it. */
export function editSourceTree(folder: string, random: SeededRandom): void {
  writeFileSync(`${folder}/folder 0/file 5`, random.bytes(4000));
  writeFileSync(`${folder}/new ${random.below(1e9)}`, random.bytes(300_000));
  writeFileSync(`${folder}/folder 1/file ${random.below(FILES)}`, random.bytes(20_000));
  const large = readFileSync(`${folder}/large`);
  random.bytes(5000).copy(large, random.below(large.length - 5000));
  writeFileSync(`${folder}/large`, large);
  if (random.below(2) === 0)
    rmSync(`${folder}/folder ${random.below(FOLDERS)}/deeper`, { recursive: true, force: true });
  else renameSync(`${folder}/folder 2/file 0`, `${folder}/folder 2/file 0 renamed`);
  writeFileSync(`${folder}/folder 2/file 0`, random.bytes(random.below(3000)));
  roundTimes(folder);
}

/** To quarters of a second, which a double holds exactly: what is put back to a disk by a test has the same time. */
function roundTimes(folder: string): void {
  for (const name of readdirSync(folder, { encoding: 'buffer' })) {
    const path = Buffer.concat([Buffer.from(`${folder}/`, 'latin1'), name]);
    const stat = lstatSync(path);
    if (stat.isDirectory()) roundTimes(path.toString('latin1'));
    const time = Math.floor(stat.mtimeMs / 250) / 4;
    if (time * 1000 !== stat.mtimeMs) lutimesSync(path, time, time);
  }
}

export type Fingerprint = ReadonlyMap<string, string>;

/** By path: type, mode, time, contents, names that are one file, attributes. The folder itself is left out. */
export function fingerprint(folder: string): Fingerprint {
  const found = new Map<string, string>();
  const names = new Map<number, string>();
  const visit = (path: Buffer, below: string): void => {
    for (const name of readdirSync(path, { encoding: 'buffer' }).toSorted((a, b) => Buffer.compare(a, b))) {
      const at = Buffer.concat([path, Buffer.from('/'), name]);
      const shown = `${below}/${name.toString('latin1')}`;
      const stat = lstatSync(at, { bigint: true });
      const first = names.get(Number(stat.ino)) ?? shown;
      names.set(Number(stat.ino), first);
      const content = stat.isFile() ? digest(readFileSync(at)) : stat.isSymbolicLink() ? readlinkSync(at) : '';
      const mode = stat.isSymbolicLink() ? '' : (stat.mode & 0o7777n).toString(8);
      found.set(shown, [stat.mode >> 12n, mode, stat.mtimeNs, content, stat.isFile() ? first : ''].join(' '));
      if (stat.isDirectory()) visit(at, shown);
    }
  };
  visit(Buffer.from(folder), '');
  for (const [path, attributes] of attributesBelow(folder)) found.set(`attributes of ${path}`, attributes);
  return found;
}

/** What differs, in a few lines; nothing when nothing does. */
export function differences(wanted: Fingerprint, found: Fingerprint): readonly string[] {
  const lines: string[] = [];
  for (const [path, value] of wanted) {
    const other = found.get(path);
    if (other !== value) lines.push(`${JSON.stringify(path)} is ${other ?? 'missing'}, not ${value}`);
  }
  for (const path of found.keys()) if (!wanted.has(path)) lines.push(`${JSON.stringify(path)} is too much`);
  return lines.slice(0, 5);
}

function digest(bytes: Buffer): string {
  return `${bytes.length}:${createHash('sha256').update(bytes).digest('hex').slice(0, 32)}`;
}

const hasAttributes = ['getfattr', 'setfattr'].every((program) => spawnSync(program, ['--version']).status === 0);

function setAttribute(path: string, name: string, value: string): void {
  if (hasAttributes) spawnSync('setfattr', ['-n', name, '-v', value, path]);
}

function attributesBelow(folder: string): readonly (readonly [string, string])[] {
  if (!hasAttributes) return [];
  const dump = execFileSync('getfattr', ['-R', '-P', '-h', '-d', '-e', 'hex', '.'], {
    cwd: folder,
    encoding: 'latin1',
  });
  return dump
    .split('\n\n')
    .filter((block) => block !== '')
    .map((block) => [block.slice(0, block.indexOf('\n')), block.slice(block.indexOf('\n'))]);
}
