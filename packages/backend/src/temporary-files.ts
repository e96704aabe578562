/**
 * Names of files being written, and the rule by which forgotten ones go: older than a day, or older than an hour and
 * their writer, on this machine, is dead. The hour is for containers, where one machine's name covers several process
 * tables.
 */
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Disk } from './disk.ts';
import { errnoOf } from './errors.ts';

export const TEMPORARY_FOLDER = 'tmp';
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

let counter = 0;
let host: string | undefined;

/** `host.pid.number`; unique in this process. */
export function temporaryName(): string {
  counter += 1;
  return `${hostPart()}.${process.pid}.${counter}`;
}

/** Answers how many files were removed. */
export async function removeStale(disk: Disk, folder: string, now: number): Promise<number> {
  let removed = 0;
  for (const name of await names(disk, folder)) {
    if (await isStale(disk, join(folder, name), name, now)) {
      await disk.remove(join(folder, name));
      removed += 1;
    }
  }
  return removed;
}

async function isStale(disk: Disk, path: string, name: string, now: number): Promise<boolean> {
  let age: number;
  try {
    age = now - (await disk.stat(path)).modifiedAt;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
  return age > DAY || (age > HOUR && writerIsDead(name));
}

function writerIsDead(name: string): boolean {
  const [where, pid] = name.split('.');
  if (where !== hostPart() || pid === undefined || !/^[1-9][0-9]{0,9}$/.test(pid)) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return errnoOf(error) === 'ESRCH';
  }
}

async function names(disk: Disk, folder: string): Promise<readonly string[]> {
  try {
    return await disk.list(folder);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

function hostPart(): string {
  host ??=
    hostname()
      .toLowerCase()
      .replaceAll(/[^a-z0-9-]/g, '-')
      .replace(/^-+/, '')
      .slice(0, 60) || 'host';
  return host;
}
