import { closeSync, constants, openSync, readSync } from 'node:fs';

const FLAGS: number = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** The first bytes of a file, without following a link. */
export function readHead(path: Buffer, length: number): Buffer {
  const head = Buffer.alloc(length);
  const file = openSync(path, FLAGS);
  try {
    return head.subarray(0, readSync(file, head, 0, length, 0));
  } finally {
    closeSync(file);
  }
}
