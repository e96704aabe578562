/** Reads file contents by node:fs, where the C library cannot be called. Holes are not seen there: zeros are stored. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import type { ContentReader } from '@keephold/engine';
import { errorCode } from './error-code.ts';
import { copyStats } from './portable-rows.ts';

const FLAGS: number = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

export function createPortableReader(): ContentReader {
  return {
    open: (path) => answering(() => openSync(Buffer.from(path.subarray(0, -1)), FLAGS)),
    stat(handle, row) {
      const stat = fstatSync(handle, { bigint: true });
      copyStats(stat, row, 0);
      return stat.isFile();
    },
    read: (handle, into, offset) => answering(() => readAll(handle, into, offset)),
    holes: () => [],
    nextData: (_, offset) => offset,
    close: (handle) => closeSync(handle),
    errorCode,
  };
}

function readAll(handle: number, into: Uint8Array, offset: number): number {
  let done = 0;
  while (done < into.length) {
    const read = readSync(handle, into, done, into.length - done, offset + done);
    if (read === 0) break;
    done += read;
  }
  return done;
}

function answering(call: () => number): number {
  try {
    return call();
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).errno ?? -5;
  }
}
