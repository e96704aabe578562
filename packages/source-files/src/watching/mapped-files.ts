/**
 * Files that programs write through memory: until the mapping ends no event tells of it. Processes of other users cannot
 * be looked at.
 */
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

/** address perms offset device inode path (proc_pid_maps(5)) */
const WRITABLE_SHARED = /^\S+ .w.s \S+ \S+ [1-9]\d* +(\/.*)$/;

/** Folders of files that are mapped for writing now. One code unit a byte. */
export async function mappedFolders(): Promise<ReadonlySet<string>> {
  const folders = new Set<string>();
  for (const process of readdirSync('/proc')) {
    if (!/^\d+$/.test(process)) continue;
    for (const path of mappedFiles(await mapsOf(process))) folders.add(path.slice(0, path.lastIndexOf('/')));
  }
  return folders;
}

export function mappedFiles(maps: string): readonly string[] {
  return maps.split('\n').flatMap((line) => {
    const path = WRITABLE_SHARED.exec(line)?.[1];
    return path === undefined ? [] : [path.replaceAll('\\012', '\n')];
  });
}

/** Empty for a process that ended, or that belongs to somebody else. */
async function mapsOf(process: string): Promise<string> {
  try {
    return await readFile(`/proc/${process}/maps`, 'latin1');
  } catch {
    return '';
  }
}
