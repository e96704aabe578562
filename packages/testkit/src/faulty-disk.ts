/**
 * A disk that goes wrong at a chosen moment. Every call that changes something is a step, counted from 1; at the chosen
 * step it fails, writes half, or stops for good, as a process that was killed or a machine that lost power would.
 */
import type { Disk, DiskFile } from '@keephold/backend';

export type DiskFault =
  /** The step fails with this error of the system; everything else works. */
  | { readonly kind: 'fail'; readonly step: number; readonly code: string }
  /** All writes from this step on fail with this error: a full disk. */
  | { readonly kind: 'fail-from'; readonly step: number; readonly code: string }
  /** The process is killed before the step; a write is done by half. Nothing works afterwards. */
  | { readonly kind: 'kill'; readonly step: number }
  /** As 'kill', and what was not made durable is lost: contents of files, names in directories. */
  | { readonly kind: 'power-cut'; readonly step: number };

export interface FaultyDisk extends Disk {
  /** Steps so far. */
  readonly steps: () => number;
  /** What the steps were, for messages. */
  readonly log: readonly string[];
  readonly stopped: () => boolean;
}

/** What is on the disk but would not survive a power cut. */
interface Volatile {
  readonly files: Set<string>;
  /** Path of the new name → its directory. */
  readonly names: Map<string, string>;
}

export class DiskStoppedError extends Error {
  constructor(step: string) {
    super(`the disk stopped at ${step}`);
    this.name = 'DiskStoppedError';
  }
}

/** Reads pass to `disk`; `fault` undefined counts only. */
export function faultyDisk(disk: Disk, fault?: DiskFault): FaultyDisk {
  const log: string[] = [];
  const unsafe: Volatile = { files: new Set(), names: new Map() };
  let stopped = false;

  async function step<T>(name: string, work: () => Promise<T>, half?: () => Promise<void>): Promise<T> {
    if (stopped) throw new DiskStoppedError(name);
    log.push(name);
    const number = log.length;
    if (fault === undefined || number < fault.step) return await work();
    if (fault.kind === 'fail-from' || (fault.kind === 'fail' && number === fault.step)) {
      throw Object.assign(new Error(`${fault.code}: injected at ${name}`), { code: fault.code });
    }
    if (fault.kind === 'fail') return await work();
    stopped = true;
    await half?.();
    if (fault.kind === 'power-cut') await losePower(disk, unsafe);
    throw new DiskStoppedError(name);
  }

  return {
    log,
    steps: () => log.length,
    stopped: () => stopped,
    create: async (path, mode, length) => {
      const file = await step(`create ${path}`, async () => await disk.create(path, mode, length));
      unsafe.files.add(path);
      return faultyFile(file, path, step, unsafe);
    },
    read: async (path, offset, into) => await disk.read(path, offset, into),
    readToEnd: async (path, offset, atMost) => await disk.readToEnd(path, offset, atMost),
    link: async (from, to) => {
      await step(`link ${to}`, async () => await disk.link(from, to));
      if (unsafe.files.has(from)) unsafe.files.add(to);
      unsafe.names.set(to, folderOf(to));
    },
    rename: async (from, to) => {
      await step(`rename ${to}`, async () => await disk.rename(from, to));
      if (unsafe.files.delete(from)) unsafe.files.add(to);
      unsafe.names.set(to, folderOf(to));
    },
    remove: async (path) => {
      await step(`remove ${path}`, async () => await disk.remove(path));
      unsafe.files.delete(path);
      unsafe.names.delete(path);
    },
    makeDirectory: async (path) => await step(`mkdir ${path}`, async () => await disk.makeDirectory(path)),
    syncDirectory: async (path) => {
      const before = [...unsafe.names].filter(([, folder]) => folder === path);
      await step(`fsync folder ${path}`, async () => await disk.syncDirectory(path));
      for (const [name] of before) unsafe.names.delete(name);
    },
    stat: async (path) => await disk.stat(path),
    list: async (path) => await disk.list(path),
    touch: async (path) => await step(`touch ${path}`, async () => await disk.touch(path)),
  };
}

function faultyFile(
  file: DiskFile,
  path: string,
  step: <T>(name: string, work: () => Promise<T>, half?: () => Promise<void>) => Promise<T>,
  unsafe: Volatile,
): DiskFile {
  return {
    write: async (bytes) =>
      await step(
        `write ${path}`,
        async () => await file.write(bytes),
        async () => await file.write(bytes.subarray(0, bytes.length >> 1)),
      ),
    sync: async () => {
      await step(`fsync ${path}`, async () => await file.sync());
      unsafe.files.delete(path);
    },
    // Closing always works: a killed process closes its files too.
    close: async () => await file.close(),
  };
}

/** A replaced name is only taken away, not given its old file back: code that relies on that must sync first. */
async function losePower(disk: Disk, { files, names }: Volatile): Promise<void> {
  for (const path of new Set([...names.keys(), ...files])) {
    try {
      await disk.remove(path);
    } catch {
      // It was only a name that never came to be.
    }
  }
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}
