/** Very many files of a few words each, all different, 200 in a folder. */
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const FILES_A_FOLDER = 200;
const FOLDERS_A_PART = 100;

/** Makes `files` of them below `root`. `from`: the number of the first; what has other numbers has other content. */
export function writeSmallFiles(root: string, { files, from = 0 }: { readonly files: number; readonly from?: number }) {
  for (let i = 0; i < files; i++) {
    const number = Math.floor(i / FILES_A_FOLDER);
    const folder = join(root, `part-${Math.floor(number / FOLDERS_A_PART)}`, `folder-${number % FOLDERS_A_PART}`);
    if (i % FILES_A_FOLDER === 0) mkdirSync(folder, { recursive: true });
    const file = openSync(join(folder, `note-${String(i % FILES_A_FOLDER).padStart(3, '0')}.txt`), 'wx');
    writeSync(file, `note ${from + i} of a tree with many small files\n`);
    closeSync(file);
  }
}
