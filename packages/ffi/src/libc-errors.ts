/**
 * What a failed C library call becomes. Wrappers in libc.ts answer `-errno` and never throw, because an entry that is
 * not there is an everyday answer; callers turn what they cannot use into a SystemError here.
 */
import { constants } from 'node:os';
import { getSystemErrorMessage } from 'node:util';

/** A call the system refused. `code` is the errno name ('ENOENT'), `syscall` the call, `path` the bytes it was about. */
export class SystemError extends Error {
  readonly code: string;
  /** Positive, as in errno.h of this system. */
  readonly errno: number;
  readonly syscall: string;
  readonly path: Uint8Array | undefined;

  constructor(syscall: string, errno: number, path?: Uint8Array) {
    const code = errnoName(errno);
    super(`${syscall}: ${code}, ${errnoMessage(errno)}${path === undefined ? '' : ` '${printable(path)}'`}`);
    this.name = 'SystemError';
    this.code = code;
    this.errno = errno;
    this.syscall = syscall;
    this.path = path;
  }
}

/** The result itself when it is not negative; otherwise the error it stands for. */
export function checked(result: number, syscall: string, path?: Uint8Array): number {
  if (result < 0) throw new SystemError(syscall, -result, path);
  return result;
}

/** Positive errno of a name as 'ENOENT'. */
export type ErrnoName = keyof typeof constants.errno;

export const errno: Readonly<Record<ErrnoName, number>> = constants.errno;

// Two names share a number on Linux; these are the ones Node's own errors carry.
const preferred: readonly ErrnoName[] = ['EAGAIN', 'ENOTSUP'];
const names = new Map<number, string>();
for (const [name, number] of Object.entries(constants.errno)) if (!names.has(number)) names.set(number, name);
for (const name of preferred) if (constants.errno[name] !== undefined) names.set(constants.errno[name], name);

/** 'ENOENT' for 2; 'E4242' for a number without a name. */
export function errnoName(number: number): string {
  return names.get(number) ?? `E${number}`;
}

function errnoMessage(number: number): string {
  try {
    return getSystemErrorMessage(-number) ?? `error ${number}`;
  } catch {
    return `error ${number}`;
  }
}

/** Path bytes for a message: what is not printable ASCII or valid UTF-8 is escaped, so a name cannot fake output. */
function printable(path: Uint8Array): string {
  const text = Buffer.from(path).toString('utf8');
  let out = '';
  for (const char of text) {
    const point = char.codePointAt(0) ?? 0;
    const isControl = point < 0x20 || (point >= 0x7f && point < 0xa0);
    out += isControl ? `\\x${point.toString(16).padStart(2, '0')}` : char;
  }
  return out;
}
