/** Many small files in nested folders: notes, sources, mail. Sizes are log-normal, as on real disks. */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { age, type DataSet, type DataSetSize, writeAged } from './data-set.ts';
import { SeededRandom } from './seeded-random.ts';
import { WordText } from './word-text.ts';

const FILES_A_FOLDER = 16;
const FOLDERS_A_FOLDER = 6;
const SPREAD = 1.2;
const ENDINGS = ['.txt', '.md', '.ts', '.json', '.eml', '.html', '.csv'];
const MODES = [0o644, 0o644, 0o644, 0o600, 0o755];

export function textFiles(size: DataSetSize): DataSet {
  return {
    name: 'text',
    title: 'many small text files',
    size,
    make: (folder) => make(folder, size),
    change,
    sample: join('folder 0', fileName(0)),
  };
}

function make(root: string, { files, bytes }: DataSetSize): void {
  const random = new SeededRandom('text files');
  const text = new WordText(random);
  const folders = folderNames(Math.ceil(files / FILES_A_FOLDER));
  for (const folder of folders) mkdirSync(join(root, folder), { recursive: true });
  const median = bytes / files / Math.exp(SPREAD ** 2 / 2);
  for (let i = 0; i < files; i++) {
    const length = Math.round(median * Math.exp(SPREAD * random.normal()));
    const path = join(root, folders[Math.floor(i / FILES_A_FOLDER)]!, fileName(i));
    writeAged(path, text.bytes(length), { random, mode: MODES[i % MODES.length]! });
  }
  for (const folder of folders.toReversed()) age(join(root, folder), random);
  age(root, random);
}

/** Folder i lies in folder i / 6: a tree about log₆ deep. */
function folderNames(count: number): string[] {
  const names: string[] = [];
  for (let i = 0; i < count; i++) {
    const parent = i === 0 ? '' : names[Math.floor((i - 1) / FOLDERS_A_FOLDER)]!;
    names.push(join(parent, `folder ${i}`));
  }
  return names;
}

function fileName(index: number): string {
  return `file-${index}${ENDINGS[index % ENDINGS.length]!}`;
}

/** Changes 1 % of the files, removes 0.1 %, adds 0.1 %, renames one folder. */
function change(root: string): void {
  const random = new SeededRandom('text files, a day later');
  const text = new WordText(random);
  const files = regularFiles(root);
  // The first file is the sample.
  const changed = random.sample(files.length - 1, Math.ceil(files.length / 100)).map((i) => files[i + 1]!);
  for (const path of changed) edit(path, { random, text });
  const untouched = files.slice(1).filter((path) => !changed.includes(path));
  for (const i of random.sample(untouched.length, Math.ceil(files.length / 1000))) rmSync(untouched[i]!);
  for (let i = 0; i < Math.ceil(files.length / 1000); i++) {
    writeFileSync(join(dirname(files[0]!), `new ${i}.txt`), text.bytes(random.between(200, 20_000)));
  }
  renameSync(join(root, 'folder 0', 'folder 3'), join(root, 'folder 0', 'folder 3 (archive)'));
}

function edit(path: string, { random, text }: { random: SeededRandom; text: WordText }): void {
  const before = readFileSync(path);
  const added = text.bytes(random.between(30, 1000));
  const kind = random.unit();
  const at = kind < 0.4 ? before.length : random.between(0, before.length);
  const overwritten = kind < 0.7 ? 0 : added.length;
  writeFileSync(path, Buffer.concat([before.subarray(0, at), added, before.subarray(at + overwritten)]));
}

/** All files below a folder, in an order that every machine agrees on. */
function regularFiles(root: string): string[] {
  const entries = readdirSync(root, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return paths.sort(byNumber);
}

function byNumber(a: string, b: string): number {
  const [x, y] = [a, b].map((path) => Number(/file-(\d+)/.exec(path)?.[1] ?? -1)) as [number, number];
  return x - y;
}
