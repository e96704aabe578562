/**
 * Writes straight from memory to the disk (open(2), O_DIRECT). A pack is made durable at once and read again much later
 * if ever: a copy of it in the system's page cache costs processor time and pushes out what the user works with.
 * Decision 15.
 */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { errnoOf } from './errors.ts';

/** Below this a second open costs more than it saves. */
const LEAST_BYTES: number = 1024 * 1024;
/** What every disk takes: offsets, lengths and addresses in memory that are multiples of a page. */
const ALIGNMENT = 4096;

export function paysPastTheCache(length: number): boolean {
  // Not every system has it.
  return (constants.O_DIRECT as number | undefined) !== undefined && length >= LEAST_BYTES;
}

/**
 * Writes what it can of `bytes` from the start of the file at `path`, and answers how much that is: all but what is over
 * a multiple of 4096; nothing where the file system or the place in memory do not allow it. What is left is for the caller to write as usual. Errors are the system's own.
 */
export async function writePastTheCache(path: string, bytes: Uint8Array): Promise<number> {
  const length = bytes.length - (bytes.length % ALIGNMENT);
  let done = 0;
  try {
    const handle = await open(path, constants.O_WRONLY | constants.O_DIRECT);
    try {
      while (done < length) done += (await handle.write(bytes, done, length - done, done)).bytesWritten;
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (errnoOf(error) !== 'EINVAL') throw error;
  }
  return done;
}
